/*
 * Defects of the rule for PIN tries, for controls. They are put between the token's own files,
 * where the linker sends secret_put() and vault_mac() here (--wrap), and under SQLite, whose syncs
 * are left out.
 */
#ifndef TESTS_PLAIN_PARTS_PIN_DEFECTS_H
#define TESTS_PLAIN_PARTS_PIN_DEFECTS_H

enum pin_defect {
    NO_DEFECT,
    CHARGE_NOT_SYNCED,    /* the charge is written before the comparison, not synced */
    CHARGE_MISSING,       /* what is written before the comparison charges nothing */
    SETTLED_WITHOUT_SYNC, /* what is written after a right value is not synced */
    NOTHING_AHEAD,        /* after a right value no charge is left ahead of need */
    CANDIDATE_MISSING,    /* no candidate is kept, so none is taken back */
    CANDIDATE_ALWAYS,     /* any candidate is taken back */
    ROOM_FOR_ONE,         /* a held counter does not stay in memory */
};

/** What is wrong from now on. */
void pin_defect_set(enum pin_defect defect);
enum pin_defect pin_defect_get(void);

/* Where a try is. */
enum pin_moment { TRY_BEGINS, TRY_COMPARED, TRY_ENDS };

/** Tells the defects of syncs. */
void pin_defect_at(enum pin_moment moment);

#endif
