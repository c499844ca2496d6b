#include "keygen2/base/markup.h"

void put_escaped(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            put_text(out, "&amp;");
            break;
        case '<':
            put_text(out, "&lt;");
            break;
        case '>':
            put_text(out, "&gt;");
            break;
        case '"':
            put_text(out, "&quot;");
            break;
        default:
            put_byte(out, text.ptr[i]);
        }
    }
}
