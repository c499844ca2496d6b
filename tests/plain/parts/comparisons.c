#include "tests/plain/parts/comparisons.h"
#include "keygen2/base/bytes.h"
#include "tests/plain/parts/pin_defects.h"
#include "tests/plain/support/disk.h"

static _Thread_local struct {
    unsigned counter;
    const char *value;
    bool settled; /* a right try: what is compared after it only confirms it */
} tried;

void comparisons_of(unsigned counter, const char *value)
{
    tried.counter = counter;
    tried.value = value;
    tried.settled = false;
}

bool __real_bytes_equal_secret(struct bytes a, struct bytes b);
bool __wrap_bytes_equal_secret(struct bytes a, struct bytes b);

bool __wrap_bytes_equal_secret(struct bytes a, struct bytes b)
{
    bool equal = __real_bytes_equal_secret(a, b);

    if (tried.value != NULL && !tried.settled && bytes_equal(b, bytes_of(tried.value))) {
        tried.settled = equal;
        disk_note(comparison_detail(tried.counter, equal));
        pin_defect_at(TRY_COMPARED);
    }
    return equal;
}
