#include "issuer/qr.h"

#include <qrencode.h>
#include <stdio.h>

enum { MARGIN = 4 /* modules, as ISO 18004 asks for */ };

static QRcode *encode(const char *text)
{
    return QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
}

static bool is_dark(const QRcode *code, int x, int y)
{
    x -= MARGIN;
    y -= MARGIN;
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1) != 0;
}

/* A run of dark modules is one stroke. */
static void put_row(struct buf *out, const QRcode *code, int y)
{
    char step[64];
    int end = code->width + MARGIN;

    for (int x = MARGIN, start; x < end; x++) {
        if (!is_dark(code, x, y))
            continue;
        for (start = x; is_dark(code, x, y);)
            x++;
        (void)snprintf(step, sizeof step, "M%d %dh%dv1h-%dz", start, y, x - start, x - start);
        put_text(out, step);
    }
}

enum sks_status put_qr_svg(struct buf *out, const char *text, const char *label)
{
    QRcode *code = encode(text);
    char head[160];
    int size;

    if (code == NULL)
        return SKS_ERROR_OPTION;
    size = code->width + 2 * MARGIN;
    (void)snprintf(head, sizeof head,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\""
                   " shape-rendering=\"crispEdges\">",
                   size, size);
    put_text(out, head);
    put_text(out, "<title>");
    put_text(out, label);
    put_text(out, "</title><path fill=\"#fff\" d=\"M0 0h999v999H0z\"/><path fill=\"#000\" d=\"");
    for (int y = MARGIN; y < code->width + MARGIN; y++)
        put_row(out, code, y);
    put_text(out, "\"/></svg>\n");
    QRcode_free(code);
    return out->status;
}

enum sks_status put_qr_lines(struct buf *out, const char *text, bool colours)
{
    static const char *const HALVES[2][2] = { { "\u2588", "\u2580" }, { "\u2584", " " } };
    QRcode *code = encode(text);

    if (code == NULL)
        return SKS_ERROR_OPTION;
    for (int y = 2; y < code->width + 2 * MARGIN - 2; y += 2) {
        put_text(out, colours ? "\033[97;40m" : "");
        for (int x = 2; x < code->width + 2 * MARGIN - 2; x++)
            put_text(out, HALVES[is_dark(code, x, y)][is_dark(code, x, y + 1)]);
        put_text(out, colours ? "\033[0m\n" : "\n");
    }
    QRcode_free(code);
    return out->status;
}
