/*
 * What has to be there before a method can be called, and the call that then succeeds: from here
 * every family of cases starts, and changes one thing.
 */
#ifndef CONFORM_TOKEN_SCENE_H
#define CONFORM_TOKEN_SCENE_H

#include "conform/token/session.h"

/* How far it goes; the later ones have what the earlier ones have. */
enum stage {
    STAGE_NONE,
    STAGE_OPEN,      /* a session */
    STAGE_PUK,       /* with a PUK policy */
    STAGE_PIN,       /* and a PIN policy under it, grouping shared */
    STAGE_KEY,       /* and a key under that */
    STAGE_CERTIFIED, /* with its certificate */
    STAGE_CLOSED,    /* and an extension, closed */
    STAGE_NEXT,      /* and another session, open */
    STAGE_NEXT_KEY,  /* with a certified key that has no PIN */
};

/* What the key of the first session is. */
enum material { MATERIAL_P256, MATERIAL_RSA, MATERIAL_SECRET };

/* How a scene differs from the usual one; zeroed: not at all. */
struct scene_options {
    bool no_pin; /* the key has neither PIN nor PUK */
    bool privacy;
    enum material material;
    const struct change *session, *puk, *pin,
        *key;                  /* of the calls; a row whose field is NULL ends */
    const struct change *next; /* of the second session's terms */
};

struct scene {
    struct session s, next; /* next: from STAGE_NEXT on */
    struct policy puk, pin;
    struct key key, new_key;
};

#define EXTENSION_TYPE "https://conformance.example/bag"
#define BAG_NAME "name"
#define SECRET_SIZE 16

/** Makes it. scene_free() it in any case. */
CHECKED enum sks_status scene_set(struct scene *scene, struct target *target, struct check *check,
                                  enum stage stage, const struct scene_options *options);

/** As scene_set(), as far as a method needs it. */
CHECKED enum sks_status scene_set_for(struct scene *scene, struct target *target,
                                      struct check *check, enum method_id method);

/** The session that a method of a scene belongs to. */
struct session *scene_session(struct scene *scene, enum method_id method);

/** The call of a method that succeeds in its scene, without its MAC. */
CHECKED enum sks_status scene_call(struct scene *scene, enum method_id method, struct call *call);

/** How far the scene of a method goes. */
enum stage scene_stage(enum method_id method);

/** True for methods that have a scene: not for what no stranger may do, or only on /sks/2010. */
bool scene_knows(enum method_id method);

void scene_free(struct scene *scene);

#endif
