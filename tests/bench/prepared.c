#include "tests/bench/prepared.h"
#include "tests/plain/support/own_store.h"

struct prepared prepare(const struct place *place, enum method_id id, const char *algorithm,
                        const char *pin, struct bytes data)
{
    const union sks_in in = { .operation = { .algorithm = bytes_of(algorithm),
                                             .authorization = bytes_of(pin),
                                             .data = data } };
    struct prepared p = { .place = *place };

    sks_encode_request(&p.request, sks_method((uint8_t)id), &in);
    must(p.request.status == SKS_OK, "request");
    return p;
}

void run_prepared(void *ctx, unsigned number)
{
    struct prepared *p = ctx;
    uint32_t handle = p->handle[number % p->handles];
    struct buf answer = { 0 };

    for (unsigned i = 0; i < 4; i++)
        p->request.ptr[1 + i] = (uint8_t)(handle >> (24 - 8 * i));
    if (p->place.server != NULL)
        server_exchange(p->place.server, buf_bytes(&p->request), &answer);
    else
        token_process(p->place.token, buf_bytes(&p->request), &answer);
    must(answer.len > 1 && answer.ptr[0] == SKS_OK, "the call succeeds");
    buf_free(&answer);
}
