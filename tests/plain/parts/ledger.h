/*
 * What keys and PINs may be while many threads change them. A change is noted before it is asked
 * for, and again when it is answered; so whoever makes a call can say afterwards which answers were
 * right between its beginning and its end, and which were not.
 */
#ifndef TESTS_PLAIN_PARTS_LEDGER_H
#define TESTS_PLAIN_PARTS_LEDGER_H

#include "tests/plain/support/user.h"

#include <pthread.h>

enum {
    PIN_VALUES_MAX = 200,
    GENERATIONS_MAX = 24,
    PIN_TEXT_SIZE = 9,
    SECRET_SIZE = 32,
    MARK_SIZE = 64
};

extern const char LEDGER_PUK[], LEDGER_WRONG_PIN[], LEDGER_WRONG_PUK[];

/** A moment: whatever ended before another thing began has the smaller one. Never 0. */
uint64_t ledger_now(void);

/* Of whatever was asked for: it is `never` if it was refused. */
struct change_note {
    uint64_t begin, end; /* end 0: not answered yet */
    bool never;
};

/* No value is ever set twice. */
struct pin_value {
    struct change_note note;
    char text[PIN_TEXT_SIZE];
    bool spent; /* changePin has changed it to another */
};

/* A PIN with its PUK, whatever keys have it. */
struct pin_book {
    pthread_mutex_t lock;
    bool blocks;        /* after some wrong tries, as its PUK; else neither ever does */
    uint16_t puk_limit; /* 0: its PUK is slow */
    struct pin_value value[PIN_VALUES_MAX];
    unsigned values;
};

/* A key as one session made it. An update gives the handle to the next one. */
struct generation {
    struct change_note note;
    uint8_t export_protection, delete_protection;
    struct bytes public_key, certificate; /* in the arena of the estate */
    char mark[MARK_SIZE];                 /* in its extension; no other generation has it */
    uint8_t secret[SECRET_SIZE];          /* of a symmetric key */
};

struct key_book {
    pthread_mutex_t lock;
    uint32_t handle;
    const struct key_sort *kind; /* of every generation */
    struct pin_book *pin;        /* NULL: none */
    struct generation generation[GENERATIONS_MAX];
    unsigned generations;
    unsigned deletions; /* asked for, not answered */
    uint64_t gone;      /* a deletion was answered with success */
};

/* ---- PINs ---- */

/** A right PIN, if nobody changes it meanwhile. */
void pin_book_current(struct pin_book *book, char text[PIN_TEXT_SIZE]);

/** Notes that a new value is asked for; NULL if the book is full. */
struct pin_value *pin_book_ask(struct pin_book *book);

/**
 * Notes the answer. Two successful changes of one and the same value end the program.
 *
 * @param from  what changePin changed; NULL: setPin
 */
void pin_book_answer(struct pin_book *book, struct pin_value *asked, const char *from, bool done);

/* ---- sets of statuses ---- */

static inline unsigned one_of(enum sks_status status)
{
    return 1U << status;
}

/** Ends the program unless the status is in the set. @param key 0: none */
void must_be_one_of(enum sks_status status, unsigned allowed, const char *what, uint32_t key);

/** What a call that tries a PIN may answer. @param own a value that it asks for itself, or NULL */
unsigned allowed_by_pin(struct pin_book *book, const char *pin, uint64_t since,
                        const struct pin_value *own);

/** The same of a PUK. */
unsigned allowed_by_puk(const struct pin_book *book, const char *puk);

/** What a call on a key may answer, if it may answer that on a key that is there. */
unsigned allowed_on_key(struct key_book *key, uint64_t since, unsigned there);

/* ---- keys ---- */

/** True if the key may have had this generation since then. */
bool generation_is_possible(struct key_book *key, unsigned number, uint64_t since);

/** Number of the first generation with that property which is possible; -1: there is none. */
int generation_find(struct key_book *key, uint64_t since,
                    bool (*is)(const struct generation *generation, const void *what),
                    const void *what);

/** The generation that was answered last, as a copy. */
struct generation generation_current(struct key_book *key);

/** As pin_book_ask() and pin_book_answer(), of a new generation. @param asked its contents */
struct generation *key_book_ask_update(struct key_book *key, const struct generation *asked);
void key_book_answer_update(struct key_book *key, struct generation *asked, bool done);

/* The same of a deletion. */
void key_book_ask_deletion(struct key_book *key);
void key_book_answer_deletion(struct key_book *key, bool done);
bool key_book_is_gone(struct key_book *key);

/** True if a deletion was answered or asked for. @param own how many by the caller, not answered */
bool key_book_may_be_gone(struct key_book *key, unsigned own);

#endif
