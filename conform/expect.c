#include "conform/expect.h"

#include "keygen2/base/files.h"

#include <stdio.h>

enum { FILE_SIZE_MAX = 1024 * 1024, TEXT_MAX = 400 };

#define AT(member) .offset = offsetof(struct expectation, member)

static const struct json_field EXPECTATION[] = {
    { "cases", JSON_TEXTS, JSON_MANDATORY, AT(cases), .min = 1 },
    { "section", JSON_TEXT, JSON_MANDATORY, AT(section), .min = 1, .max = TEXT_MAX },
    { "came", JSON_TEXT, JSON_OPTIONAL, AT(came), .min = 1, .max = TEXT_MAX },
    { "reason", JSON_TEXT, JSON_MANDATORY, AT(reason), .min = 1, .max = TEXT_MAX },
};

#undef AT

static const struct json_type EXPECTATION_TYPE =
    JSON_TYPE("expected", struct expectation, EXPECTATION, NULL);

#define AT(member) .offset = offsetof(struct expectations, member)

static const struct json_field EXPECTATIONS[] = {
    { "about", JSON_TEXT, JSON_MANDATORY, AT(about), .min = 1, .max = TEXT_MAX },
    { "expected", JSON_RECORDS, JSON_MANDATORY, AT(known), .min = 1, .with = &EXPECTATION_TYPE },
};

#undef AT

static const struct json_type EXPECTATIONS_TYPE =
    JSON_TYPE("expectations", struct expectations, EXPECTATIONS, NULL);

static const struct expectation *at(const struct expectations *known, size_t i)
{
    return (const struct expectation *)known->known.item + i;
}

static bool is_case(const struct cases *cases, struct bytes id)
{
    for (size_t i = 0; i < cases->count; i++)
        if (bytes_equal(bytes_of(cases->item[i].id), id))
            return true;
    return false;
}

static enum sks_status check_id(struct json_reader *r, const struct json_place *at,
                                const struct cases *cases, json_t *seen, struct bytes id)
{
    if (!is_case(cases, id))
        return json_refuse(r, at, "no case is called '%.*s': --list has them", (int)id.len,
                           (const char *)id.ptr);
    return json_unique(r, at, seen, id);
}

/* A list that outlived its cases would hide nothing any more, and nobody would see it. */
static enum sks_status check_ids(struct json_reader *r, const struct expectations *known,
                                 const struct cases *cases)
{
    const struct json_place all = { NULL, "expected", 0 };
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < known->known.count; i++) {
        const struct json_place one = { &all, NULL, i }, ids = { &one, "cases", 0 };

        for (size_t j = 0; j < at(known, i)->cases.count; j++) {
            const struct json_place place = { &ids, NULL, j };

            TRY(check_id(r, &place, cases, seen, at(known, i)->cases.item[j]));
        }
    }
out:
    json_decref(seen);
    return rc;
}

enum sks_status expectations_read(const char *file, const struct cases *cases,
                                  struct expectations *known, struct sks_error *err)
{
    struct arena arena = { 0 };
    struct sks_error why = { 0 };
    struct json_reader reader = { .arena = &arena, .err = &why };
    struct buf text = { 0 };
    json_t *root = NULL;
    enum sks_status rc;

    *known = (struct expectations){ 0 };
    TRY(file_read(file, FILE_SIZE_MAX, &text, err));
    TRY(json_parse(buf_bytes(&text), &root, &why));
    TRY(json_decode(&EXPECTATIONS_TYPE, root, known, &arena, &why));
    rc = check_ids(&reader, known, cases);
out:
    known->arena = arena;
    if (why.status != SKS_OK)
        rc = sks_fail(err, rc, "%s: %s", file, why.text);
    json_decref(root);
    buf_free(&text);
    return rc;
}

const struct expectation *expectation_of(const struct expectations *known, const char *id)
{
    for (size_t i = 0; i < known->known.count; i++)
        for (size_t j = 0; j < at(known, i)->cases.count; j++)
            if (bytes_equal(at(known, i)->cases.item[j], bytes_of(id)))
                return at(known, i);
    return NULL;
}

bool expectation_holds(const struct expectation *expected, const struct finding *finding)
{
    struct bytes came = bytes_of(finding->came);

    came.len = came.len < expected->came.len ? came.len : expected->came.len;
    return bytes_equal(came, expected->came);
}

void expectation_text(const struct expectation *expected, char *text, size_t size)
{
    (void)snprintf(text, size, "%.*s: %.*s", (int)expected->section.len,
                   (const char *)expected->section.ptr, (int)expected->reason.len,
                   (const char *)expected->reason.ptr);
}

void expectations_free(struct expectations *known)
{
    arena_free(&known->arena);
    *known = (struct expectations){ 0 };
}
