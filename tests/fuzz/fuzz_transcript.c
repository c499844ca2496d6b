/* Transcripts, as replay and diff read them: each is taken or refused with a line's number, and
 * what was taken is no different from itself. */
#include "proxy/relay/diff.h"
#include "tests/plain/support/must.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tell(void *ctx, const struct difference *difference)
{
    (void)ctx, (void)difference;
    must(false, "a transcript differs from itself");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transcript transcript = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc = transcript_parse(bytes_at(data, size), &transcript, &err);

    must((rc == SKS_OK) == (err.text[0] == '\0'), "a refusal says why");
    must(rc == SKS_OK || strncmp(err.text, "line ", 5) == 0, "and where");
    if (rc == SKS_OK)
        (void)transcript_diff(&transcript, &transcript, tell, NULL);
    transcript_free(&transcript);
    return 0;
}
