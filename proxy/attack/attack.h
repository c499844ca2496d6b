/*
 * An attack: the rules of a file, or one that is ready by name, and what they remember of the
 * messages that crossed. For any number of threads.
 */
#ifndef PROXY_ATTACK_ATTACK_H
#define PROXY_ATTACK_ATTACK_H

#include "proxy/attack/rules.h"

enum { ATTACK_NOTE_MAX = 300 };

struct attack;

/* A message on its way. */
struct crossing {
    const char *content_type; /* as sent; NULL: JSON */
    bool answer;
    const struct message *asked; /* of an answer: what it answers; NULL for one without a name */
    uint32_t connection;         /* what crosses on another one is of another session */
};

enum attack_fate {
    ATTACK_NOTHING,  /* no rule is for it */
    ATTACK_ALTERED,  /* it goes on, later, or with another body */
    ATTACK_DROPPED,  /* it does not go on */
    ATTACK_REPEATED, /* a request goes on twice */
    ATTACK_ANSWERED, /* a request does not go on: the body is its answer, with `status` */
};

struct attack_outcome {
    enum attack_fate fate;
    unsigned seconds;           /* wait so long first */
    unsigned status;            /* HTTP, of a forged answer; 0: as it came */
    char note[ATTACK_NOTE_MAX]; /* what was done, "" for nothing */
};

/**
 * Reads an attack.
 *
 * @param name  of one that is ready, or of a rule file
 * @return SKS_ERROR_OPTION with line and column, or a JSON pointer, in err
 */
CHECKED enum sks_status attack_load(const char *name, struct attack **attack,
                                    struct sks_error *err);

/** attack_load() as the check of an option. */
CHECKED enum sks_status attack_check(const char *name, struct sks_error *err);

/** The same from the text of a rule file. @param attack  out: NULL if it is refused */
CHECKED enum sks_status attack_of_rules(struct bytes rules, struct attack **attack,
                                        struct sks_error *err);

/**
 * Does what the rules that are for this message say, in their order.
 *
 * @param attack   NULL: nothing is altered
 * @param body     replaced where a rule says so
 * @return SKS_ERROR_OPTION if a rule does not fit the message
 */
CHECKED enum sks_status attack_apply(struct attack *attack, const struct crossing *crossing,
                                     struct buf *body, struct attack_outcome *outcome,
                                     struct sks_error *err);

/** NULL is allowed. */
void attack_free(struct attack *attack);

/* Those that are ready: named.c. */
struct named_attack {
    const char *name;
    const char *text;  /* a paragraph: what it does, what an attacker would gain, who notices */
    const char *rules; /* a rule file */
};

extern const struct named_attack NAMED_ATTACKS[];
extern const size_t NAMED_ATTACKS_COUNT;

#endif
