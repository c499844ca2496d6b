/* What else comes to a key before the close: its certificate path, and a key that is imported. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"

#define IMPORT_SECTION "SKS importSymmetricKey, importPrivateKey; wire 5"
#define PATH_SECTION "SKS setCertificatePath; wire 5"

/* ---- imported keys ---- */

static enum sks_status import_secret(struct scene *scene, struct bytes value,
                                     enum sks_status wanted)
{
    struct call call;
    enum sks_status rc;

    TRY(call_import_symmetric(&scene->s, &call, &scene->key, value));
    rc = call_do(&scene->s, &call, wanted);
out:
    return rc;
}

static enum sks_status expect_exported(struct scene *scene, struct bytes *key)
{
    union sks_in in = { .authorized = { .key_handle = scene->key.handle } };
    struct key_protection_out shown;
    union sks_out out;
    enum sks_status rc;

    TRY(target_call(scene->s.target, scene->s.check, EXPORT_KEY, &in, &out, SKS_OK));
    *key = out.result.result;
    TRY(use_protection(scene->s.target, scene->s.check, scene->key.handle, &shown));
    rc = expect_number(scene->s.check, "getKeyProtectionInfo: keyBackup",
                       KEY_BACKUP_IMPORTED | KEY_BACKUP_EXPORTED, shown.key_backup);
out:
    return rc;
}

struct secret_row {
    const char *name;
    size_t size;
    bool good;
    enum case_level level;
};

static const struct secret_row SECRETS[] = {
    { "key-of-1", 1, true, LEVEL_MUST },
    { "key-of-16", 16, true, LEVEL_MUST },
    { "key-of-128", 128, true, LEVEL_MUST },
    { "key-of-0", 0, false, LEVEL_SHOULD }, /* the texts have an upper limit only */
    { "key-of-129", 129, false, LEVEL_MUST },
};

static enum sks_status secret(struct check *check, void *end, const void *from)
{
    const struct secret_row *row = from;
    struct key_attributes_out shown;
    struct bytes value = check_draw_bytes(check, row->size), exported;
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(import_secret(&scene, value, row->good ? SKS_OK : SKS_ERROR_OPTION));
    if (!row->good) {
        rc = session_is_gone(&scene.s);
        goto out;
    }
    TRY(session_close(&scene.s));
    TRY(use_attributes(end, check, scene.key.handle, &shown));
    TRY(expect_number(check, "getKeyAttributes: symmetricKeyLength", row->size,
                      shown.symmetric_key_length));
    TRY(expect_exported(&scene, &exported));
    rc = expect_bytes(check, "exportKey: key", value, exported);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status import_private(struct scene *scene, EVP_PKEY *key, enum sks_status wanted)
{
    struct call call;
    enum sks_status rc;

    TRY(call_import_private(&scene->s, &call, &scene->key, key));
    rc = call_do(&scene->s, &call, wanted);
out:
    return rc;
}

/* A certificate of the key that is to come. */
static enum sks_status certify_for(struct scene *scene, EVP_PKEY *key, struct bytes *spki)
{
    struct buf der = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(put_pkey(&der, key));
    *spki = arena_copy(&scene->s.check->arena, buf_bytes(&der));
    TRY(target_certify(scene->s.target, scene->s.check, *spki, &scene->key.certificate));
    TRY(call_certify(&scene->s, &call, &scene->key));
    rc = call_do(&scene->s, &call, SKS_OK);
out:
    buf_free(&der);
    return rc;
}

static enum sks_status expect_same_key(struct check *check, struct bytes pkcs8, struct bytes spki)
{
    EVP_PKEY *key = NULL;
    struct buf der = { 0 };
    enum sks_status rc = private_key_from_pkcs8(pkcs8, &key);

    TRY(expect_true(check, rc == SKS_OK, "exportKey: key", "a PKCS #8 PrivateKeyInfo", "another"));
    TRY(put_pkey(&der, key));
    rc = expect_bytes(check, "public key of exportKey: key", spki, buf_bytes(&der));
out:
    EVP_PKEY_free(key);
    buf_free(&der);
    return rc;
}

/* The imported key takes the place of the one that the token made. */
static enum sks_status imported(struct check *check, void *end, const void *uri)
{
    struct scene scene = { 0 };
    struct bytes spki, exported;
    EVP_PKEY *key = NULL;
    enum sks_status rc;

    TRY(target_make_key(end, check, uri, &key));
    TRY(scene_set(&scene, end, check, STAGE_KEY, NULL));
    TRY(certify_for(&scene, key, &spki));
    TRY(import_private(&scene, key, SKS_OK));
    TRY(session_close(&scene.s));
    TRY(expect_exported(&scene, &exported));
    rc = expect_same_key(check, exported, spki);
out:
    EVP_PKEY_free(key);
    scene_free(&scene);
    return rc;
}

/* Of what the token made itself. */
static enum sks_status exported_own(struct check *check, void *end, const void *uri)
{
    const struct change KEY[] = { { "keyAlgorithm", 0, uri, 0 }, { 0 } };
    union sks_in in;
    union sks_out out;
    struct scene_options options = { .key = KEY };
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    in.authorized = (struct authorized_in){ .key_handle = scene.key.handle };
    TRY(target_call(end, check, EXPORT_KEY, &in, &out, SKS_OK));
    rc = expect_same_key(check, out.result.result, scene.key.public_key);
out:
    scene_free(&scene);
    return rc;
}

/* Of RSA the import itself shows that it is another key, of EC the close does. */
static enum sks_status another_key(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    if (row != NULL) {
        TRY(target_need_rsa(target, check));
        TRY(import_private(&scene, target->rsa, SKS_ERROR_OPTION));
    } else {
        TRY(import_private(&scene, target->kmk[0], SKS_OK));
        call_close(&scene.s, &call);
        TRY(call_do(&scene.s, &call, SKS_ERROR_OPTION));
    }
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status import_twice(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(import_secret(&scene, bytes_of("0123456789abcdef"), SKS_OK));
    if (row != NULL)
        TRY(import_private(&scene, target->kmk[0], SKS_ERROR_OPTION));
    else
        TRY(import_secret(&scene, bytes_of("0123456789abcdef"), SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status import_octets(struct check *check, void *end, struct bytes octets)
{
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(call_import_symmetric(&scene.s, &call, &scene.key, octets));
    call.method = IMPORT_PRIVATE_KEY;
    TRY(call_do(&scene.s, &call, SKS_ERROR_CRYPTO));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status no_pkcs8(struct check *check, void *end, const void *row)
{
    return import_octets(check, end, bytes_of(row));
}

/* A right one, and an octet. */
static enum sks_status octet_behind(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct buf der = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(put_pkcs8(&der, target->kmk[0]));
    put_byte(&der, 0);
    rc = import_octets(check, end, buf_bytes(&der));
out:
    buf_free(&der);
    return rc;
}

static enum sks_status add_extension(struct scene *scene, enum sks_status wanted)
{
    struct call call;
    enum sks_status rc;

    TRY(call_extension(&scene->s, &call, &scene->key, EXTENSION_TYPE, EXTENSION_PLAIN,
                       bytes_of("1")));
    rc = call_do(&scene->s, &call, wanted);
out:
    return rc;
}

/* Each of them wants the certificate first. */
static enum sks_status uncertified(struct check *check, void *end, const void *from)
{
    const enum method_id *method = from;
    struct target *target = end;
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_KEY, NULL));
    if (*method == ADD_EXTENSION)
        TRY(add_extension(&scene, SKS_ERROR_OPTION));
    else if (*method == IMPORT_PRIVATE_KEY)
        TRY(import_private(&scene, target->kmk[0], SKS_ERROR_OPTION));
    else
        TRY(import_secret(&scene, bytes_of("0123456789abcdef"), SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* ---- certificate paths ---- */

enum path { PATH_OF_TWO, PATH_REVERSED, PATH_EMPTY, PATH_TWICE, PATH_TOO_BIG };

static enum sks_status send_path(struct scene *scene, enum path path)
{
    struct target *target = scene->s.target;
    struct bytes items[2];
    struct call call;
    enum sks_status rc;

    if (path == PATH_TOO_BIG)
        TRY(target_certify_big(target, scene->s.check, scene->key.public_key,
                               target->info.crypto_data_size + 1, &scene->key.certificate));
    else
        TRY(target_certify(target, scene->s.check, scene->key.public_key, &scene->key.certificate));
    TRY(call_certify(&scene->s, &call, &scene->key));
    items[path == PATH_REVERSED] = scene->key.certificate;
    items[path != PATH_REVERSED] = certificate_der(&scene->s.check->arena, target->ca);
    if (path != PATH_TWICE && path != PATH_TOO_BIG)
        call.in.set_certificate_path.certificate_path =
            (struct bytes_list){ items, path == PATH_EMPTY ? 0 : 2 };
    rc = call_do(&scene->s, &call,
                 path == PATH_OF_TWO || path == PATH_TWICE ? SKS_OK : SKS_ERROR_OPTION);
    if (rc == SKS_OK && path == PATH_TWICE)
        rc = call_do(&scene->s, &call, SKS_ERROR_OPTION);
out:
    return rc;
}

static enum sks_status certificate_path(struct check *check, void *end, const void *from)
{
    const enum path *path = from;
    struct key_attributes_out shown;
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_KEY, NULL));
    TRY(send_path(&scene, *path));
    if (*path != PATH_OF_TWO) {
        rc = session_is_gone(&scene.s);
        goto out;
    }
    TRY(session_close(&scene.s));
    TRY(use_attributes(end, check, scene.key.handle, &shown));
    rc = expect_number(check, "getKeyAttributes: number of certificates", 2,
                       shown.certificate_path.count);
out:
    scene_free(&scene);
    return rc;
}

/* ---- the list ---- */

static const enum path OF_TWO = PATH_OF_TWO, REVERSED = PATH_REVERSED, EMPTY = PATH_EMPTY,
                       TWICE = PATH_TWICE, TOO_BIG = PATH_TOO_BIG;
static const enum method_id SECRET_FIRST = IMPORT_SYMMETRIC_KEY, PRIVATE_FIRST = IMPORT_PRIVATE_KEY,
                            EXTENSION_FIRST = ADD_EXTENSION;

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "addExtension.before-certificate", "the certificate path comes first",
         "SKS addExtension; wire 5", 0, uncertified, &EXTENSION_FIRST),
    CASE(LEVEL_MUST, "importSymmetricKey.before-certificate", "the certificate path comes first",
         IMPORT_SECTION, 0, uncertified, &SECRET_FIRST),
    CASE(LEVEL_MUST, "importPrivateKey.before-certificate", "the certificate path comes first",
         IMPORT_SECTION, 0, uncertified, &PRIVATE_FIRST),
    CASE(LEVEL_MUST, "importSymmetricKey.twice", "a key takes one import", IMPORT_SECTION, 0,
         import_twice, NULL),
    CASE(LEVEL_MUST, "importPrivateKey.behind-symmetric", "a key takes one import", IMPORT_SECTION,
         0, import_twice, "private"),
    CASE(LEVEL_MUST, "importPrivateKey.rsa", "an RSA key that the token has not made",
         IMPORT_SECTION, 0, imported, ALGORITHM_URI("rsa2048")),
    CASE(LEVEL_MUST, "importPrivateKey.p256", "a P-256 key that the token has not made",
         IMPORT_SECTION, 0, imported, ALGORITHM_URI("ec.nist.p256")),
    CASE(LEVEL_MUST, "importPrivateKey.other-ec", "another EC key than the certificate's",
         IMPORT_SECTION, 0, another_key, NULL),
    CASE(LEVEL_MUST, "importPrivateKey.rsa-for-ec", "an RSA key for a certificate of EC",
         IMPORT_SECTION, 0, another_key, "rsa"),
    CASE(LEVEL_MUST, "importPrivateKey.no-pkcs8", "octets that are no PKCS #8", IMPORT_SECTION, 0,
         no_pkcs8, "this is no private key at all, but long enough for one"),
    CASE(LEVEL_SHOULD, "importPrivateKey.octet-behind", "a PKCS #8 with an octet behind it",
         IMPORT_SECTION, 0, octet_behind, NULL),
    OPEN_CASE("importPrivateKey.short", "fewer octets than any PKCS #8 has", IMPORT_SECTION, 0,
              no_pkcs8, "short"),
    CASE(LEVEL_MUST, "exportKey.p256", "what is exported is the private key, as PKCS #8",
         "SKS exportKey; wire 5", 0, exported_own, ALGORITHM_URI("ec.nist.p256")),
    CASE(LEVEL_MUST, "exportKey.rsa2048", "what is exported is the private key, as PKCS #8",
         "SKS exportKey; wire 5", 0, exported_own, ALGORITHM_URI("rsa2048")),
    CASE(LEVEL_MUST, "setCertificatePath.of-two", "the end entity's first, then its issuer's",
         PATH_SECTION, 0, certificate_path, &OF_TWO),
    CASE(LEVEL_SHOULD, "setCertificatePath.reversed", "the issuer's first: no path", PATH_SECTION,
         0, certificate_path, &REVERSED),
    CASE(LEVEL_MUST, "setCertificatePath.certificate-too-big",
         "a certificate of more than cryptoDataSize of getDeviceInfo", PATH_SECTION, 0,
         certificate_path, &TOO_BIG),
    OPEN_CASE("setCertificatePath.empty", "a path has a certificate", PATH_SECTION, 0,
              certificate_path, &EMPTY),
    CASE(LEVEL_MUST, "setCertificatePath.twice", "a key has one path", PATH_SECTION, 0,
         certificate_path, &TWICE),
};

void cases_of_imports(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(SECRETS); i++)
        cases_add(cases,
                  &(struct conform_case){
                      .id = cases_text(cases, "importSymmetricKey.%s", SECRETS[i].name),
                      .title = SECRETS[i].good ? "a key of 1 to 128 octets comes out as it went in"
                                               : "a key has 1 to 128 octets",
                      .section = IMPORT_SECTION,
                      .level = SECRETS[i].level,
                      .run = secret,
                      .row = &SECRETS[i],
                  });
    cases_add_all(cases, CASES, NITEMS(CASES));
}
