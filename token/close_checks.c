/* What a key must be before its session closes. */
#include "token/close_checks.h"
#include "keygen2/crypto/certificate.h"

enum sks_status close_check_match(struct call *call, const struct key *key)
{
    enum sks_status rc = SKS_OK;

    CALL_REQUIRE(call, bytes_equal(certificate_key(key->certificate_path.item[0]), key->public_key),
                 SKS_ERROR_OPTION, "key \"%.*s\": certificate and private key do not match",
                 (int)key->id.len, (const char *)key->id.ptr);
out:
    return rc;
}

static bool fits(const struct algorithm *row, const struct key *key, const struct public_key *parts)
{
    bool symmetric = key->symmetric_key.len > 0;

    if ((row->kind == KEY_KIND_SYMMETRIC) != symmetric)
        return false;
    return symmetric ? aes_key_fits(row, key->symmetric_key.len)
                     : (row->kind == KEY_KIND_RSA) == (parts->kind == KEY_KIND_RSA);
}

/* Endorsed algorithms could not be held against the key material any earlier. */
enum sks_status close_check_endorsed(struct call *call, const struct key *key)
{
    struct public_key parts;
    enum sks_status rc;

    TRY(public_key_parse(key->public_key, &parts));
    for (size_t i = 0; i < key->endorsed_algorithms.count; i++) {
        const struct algorithm *row = algorithm_by_uri(key->endorsed_algorithms.item[i],
                                                       ALGORITHM_ENDORSABLE & ~ALGORITHM_NONE);

        CALL_REQUIRE(call, row == NULL || fits(row, key, &parts), SKS_ERROR_OPTION,
                     "key \"%.*s\": endorsed algorithm %s does not fit it", (int)key->id.len,
                     (const char *)key->id.ptr, row->uri);
    }
out:
    return rc;
}

/* No other key of the token, in whatever session, may have the same certificate. */
enum sks_status close_check_unique(struct call *call, const struct post_list *posts,
                                   const struct key *key, struct bytes tag)
{
    struct store_row other = { 0 };
    enum sks_status rc;

    do {
        TRY(store_next_tagged(call->token->store, tag, other.handle, NULL, &other, &call->err));
        CALL_REQUIRE(call,
                     other.handle == 0 || other.handle == key->handle ||
                         post_frees_certificate(posts, other.handle),
                     SKS_ERROR_OPTION, "key \"%.*s\": another key has the same certificate",
                     (int)key->id.len, (const char *)key->id.ptr);
    } while (other.handle != 0);
out:
    return rc;
}
