#include "testvectors/generate/message_text.h"

#include "keygen2/base/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes base64url(struct suite *s, struct bytes data)
{
    struct buf out = { 0 };

    base64url_encode(&out, data);
    return keep(s, &out);
}

json_t *base64url_json(struct suite *s, struct bytes data)
{
    struct bytes text = base64url(s, data);

    return json_stringn((const char *)text.ptr, text.len);
}

json_t *jwk(struct suite *s, const struct key *key)
{
    json_t *out = json_object();

    (void)with(out, "kty", json_string(key->curve == NULL ? "RSA" : "EC"));
    if (key->curve == NULL) {
        (void)with(out, "n", base64url_json(s, key->modulus));
        return with(out, "e", json_string("AQAB"));
    }
    (void)with(out, "crv", json_string(key->curve->name));
    (void)with(out, "x", base64url_json(s, key->x));
    return with(out, "y", base64url_json(s, key->y));
}

/* ---- templates ---- */

static struct bytes key_text(struct suite *s, struct key key)
{
    json_t *tree = jwk(s, &key);
    struct bytes text = message_text(s, tree, &(struct edit){ .kind = EDIT_NONE });

    json_decref(tree);
    return text;
}

static struct bytes value_of(struct suite *s, const char *name)
{
    const struct key user = ec_key(s, P256, "user");

    if (strcmp(name, "ssid") == 0)
        return draw_id(s, 32, "serverSessionId");
    if (strcmp(name, "csid") == 0)
        return draw_id(s, 32, "clientSessionId");
    if (strcmp(name, "alice") == 0)
        return base64url(s, scene_certificate(s, "Alice", user.spki));
    if (strcmp(name, "device") == 0)
        return base64url(s, scene_device(s, P256).certificate);
    if (strcmp(name, "ca") == 0)
        return base64url(s, scene_ca(s));
    if (strncmp(name, "key-", 4) == 0)
        return key_text(s, ec_key(s, P256, name + 4));
    if (strncmp(name, "key384-", 7) == 0)
        return key_text(s, ec_key(s, P384, name + 7));
    if (strcmp(name, "rsa") == 0)
        return key_text(s, rsa_key(s, RSA_MANAGEMENT));
    need(false, name);
    return (struct bytes){ 0 };
}

static void put_value(struct suite *s, struct buf *out, const char *name)
{
    char *colon;
    unsigned long len = strtoul(name, &colon, 10);

    if (*colon == ':')
        put_raw(out, base64url(s, draw(s, len, "%s", colon + 1)));
    else
        put_raw(out, value_of(s, name));
}

json_t *message_tree(struct suite *s, const char *template)
{
    struct buf text = { 0 };
    json_error_t error;
    json_t *tree;

    while (*template != '\0') {
        char name[64];

        if (*template == '<') {
            size_t len = strcspn(++template, ">");

            need(len < sizeof name && template[len] == '>', "a template");
            (void)snprintf(name, sizeof name, "%.*s", (int)len, template);
            put_value(s, &text, name);
            template += len + 1;
        } else {
            put_byte(&text, *template == '\'' ? '"' : (uint8_t) * template);
            template ++;
        }
    }
    tree = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    need(tree != NULL, error.text);
    buf_free(&text);
    return tree;
}

/* ---- text ---- */

struct writer {
    struct buf out;
    const struct edit *edit;
    char pointer[200]; /* of the value that is being written */
    bool found;
};

static void write_value(struct writer *w, const json_t *value);

static bool is_here(struct writer *w)
{
    bool here = w->edit->kind != EDIT_NONE && strcmp(w->pointer, w->edit->pointer) == 0;

    w->found = w->found || here;
    return here;
}

static void write_plain(struct writer *w, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    need(text != NULL, "memory");
    put_text(&w->out, text);
    free(text);
}

static void write_comma(struct writer *w)
{
    if (w->out.ptr[w->out.len - 1] != '{' && w->out.ptr[w->out.len - 1] != '[')
        put_byte(&w->out, ',');
}

static void write_property(struct writer *w, const char *name, const json_t *value)
{
    write_comma(w);
    put_byte(&w->out, '"');
    put_text(&w->out, name);
    put_text(&w->out, "\":");
    if (is_here(w) && w->edit->kind == EDIT_REPLACE)
        put_text(&w->out, w->edit->text);
    else
        write_value(w, value);
}

static void write_object(struct writer *w, const json_t *object)
{
    size_t len = strlen(w->pointer);
    bool adds = is_here(w) && w->edit->kind == EDIT_ADD;
    const char *name;
    json_t *value;

    put_byte(&w->out, '{');
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        (void)snprintf(w->pointer + len, sizeof w->pointer - len, "/%s", name);
        if (!is_here(w) || w->edit->kind != EDIT_REMOVE)
            write_property(w, name, value);
        if (is_here(w) && w->edit->kind == EDIT_DOUBLE)
            write_property(w, name, value);
        w->pointer[len] = '\0';
    }
    if (adds) {
        write_comma(w);
        put_text(&w->out, w->edit->text);
    }
    put_byte(&w->out, '}');
}

static void write_value(struct writer *w, const json_t *value)
{
    size_t len = strlen(w->pointer);

    if (json_is_object(value)) {
        write_object(w, value);
    } else if (json_is_array(value)) {
        put_byte(&w->out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            write_comma(w);
            (void)snprintf(w->pointer + len, sizeof w->pointer - len, "/%zu", i);
            if (is_here(w) && w->edit->kind == EDIT_REPLACE)
                put_text(&w->out, w->edit->text);
            else
                write_value(w, json_array_get(value, i));
            w->pointer[len] = '\0';
        }
        put_byte(&w->out, ']');
    } else {
        write_plain(w, value);
    }
}

struct bytes message_text(struct suite *s, const json_t *tree, const struct edit *edit)
{
    struct writer w = { .edit = edit };

    write_value(&w, tree);
    need(edit->kind == EDIT_NONE || w.found, edit->pointer == NULL ? "" : edit->pointer);
    return keep(s, &w.out);
}
