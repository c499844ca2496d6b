#include "tests/unit/support/proxy/attack_rules.h"
#include "keygen2/base/files.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

struct sks_error err;
struct attack_outcome outcome;

enum sks_status load(const char *rules, struct attack **attack)
{
    char path[] = "/tmp/sks-attack-XXXXXX";
    int fd = mkstemp(path);
    enum sks_status rc;

    (void)close(fd);
    cr_assert_eq(file_write(path, 0600, bytes_of(rules), &err), SKS_OK);
    rc = attack_load(path, attack, &err);
    (void)unlink(path);
    return rc;
}

enum sks_status cross(struct attack *attack, uint32_t connection, const char *message,
                      struct buf *text)
{
    buf_reset(text);
    put_text(text, message);
    return attack_apply(attack, &(struct crossing){ .connection = connection }, text, &outcome,
                        &err);
}
