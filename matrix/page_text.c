#include "matrix/page_text.h"

__asm__(".section .rodata\n"
        ".global PAGE_TEXT\n"
        ".type PAGE_TEXT, %object\n"
        "PAGE_TEXT:\n"
        ".incbin \"matrix/page.html\"\n"
        ".byte 0\n"
        ".size PAGE_TEXT, . - PAGE_TEXT\n"
        ".previous\n");
