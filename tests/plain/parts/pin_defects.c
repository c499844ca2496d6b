#include "tests/plain/parts/pin_defects.h"
#include "tests/plain/support/disk.h"
#include "token/object.h"
#include "token/vault.h"

#include <string.h>

static enum pin_defect defect;

void pin_defect_set(enum pin_defect which)
{
    defect = which;
}

enum pin_defect pin_defect_get(void)
{
    return defect;
}

void pin_defect_at(enum pin_moment moment)
{
    if (defect == NO_DEFECT)
        return; /* there may be threads */
    disk_ignore_syncs((defect == CHARGE_NOT_SYNCED && moment == TRY_BEGINS) ||
                      (defect == SETTLED_WITHOUT_SYNC && moment == TRY_COMPARED));
}

void __real_secret_put(struct changes *changes, struct store *store, const struct secret *secret);
void __wrap_secret_put(struct changes *changes, struct store *store, const struct secret *secret);

void __wrap_secret_put(struct changes *changes, struct store *store, const struct secret *secret)
{
    struct secret put = *secret;
    struct tries *tries = &put.tries;

    if (defect == CHARGE_MISSING && tries->has_candidate)
        tries->charged--;
    if (defect == NOTHING_AHEAD && !tries->has_candidate && tries->charged == 1)
        tries->charged = 0;
    if (defect == CANDIDATE_MISSING)
        tries->has_candidate = false;
    __real_secret_put(changes, store, &put);
}

enum sks_status __real_vault_mac(const struct vault *vault, struct bytes data, uint8_t mac[32]);
enum sks_status __wrap_vault_mac(const struct vault *vault, struct bytes data, uint8_t mac[32]);

enum sks_status __wrap_vault_mac(const struct vault *vault, struct bytes data, uint8_t mac[32])
{
    enum sks_status rc = __real_vault_mac(vault, data, mac);

    if (defect == CANDIDATE_ALWAYS)
        memset(mac, 0, 32);
    return rc;
}
