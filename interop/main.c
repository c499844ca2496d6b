/* sks-interop: drives the programs as they stand in docker/compose.yaml, and shows what comes of
 * it. */
#include "interop/clerks.h"
#include "interop/conformance.h"
#include "interop/desk.h"
#include "interop/first_process.h"
#include "interop/keep.h"
#include "interop/parts.h"
#include "interop/reach.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct options {
    struct ends ends;
    struct apart apart;
    struct conform conform;
    const char *attack_file, *folder, *desk;
    uint32_t count;
    struct operator_options operator;
    struct tester_options tester;
    struct keep_options keep;
};

#define AT(member) .offset = offsetof(struct options, member)
#define TEXT(name, value, help, member, needed)                                                    \
    {                                                                                              \
        name, 0, value, help, OPTION_TEXT, AT(member), .required = needed                          \
    }
#define NUMBER(name, value, help, member, least, most)                                             \
    {                                                                                              \
        name, 0, value, help, OPTION_NUMBER, AT(member), .min = least, .max = most                 \
    }
#define ENDS                                                                                       \
    TEXT("issuer", "URL", "where clients find the issuer: http(s)://HOST:PORT", ends.issuer,       \
         true),                                                                                    \
        TEXT("token", "URL", "where they find the token: http://HOST:PORT or unix:PATH",           \
             ends.token, true),                                                                    \
        TEXT("ca", "PEM", "vouches for an https issuer (the system's)", ends.ca, false),           \
        TEXT("state", "FOLDER", "what sks-proxy keeps of sessions", ends.state, true),             \
        TEXT("pin", "PIN", "that the user of the token types (471820)", ends.pin, false)
#define OPERATOR TEXT("operator", "FOLDER", "desk of `sks-interop operator`", ends.operator, true)
#define ATTACK_FILE                                                                                \
    TEXT("attack-file", "FILE", "that the relays watch for rules: `relay --attack-watch FILE`",    \
         attack_file, true)
#define DESK                                                                                       \
    TEXT("desk", "FOLDER", "shared with the driver: its questions, our answers", desk, true)
#define REPORTS(member, needed)                                                                    \
    TEXT("reports", "FOLDER", "where the reports of sks-conform come", member, needed)
#define CONFORM(needed)                                                                            \
    TEXT("tester", "FOLDER", "desk of `sks-interop tester`", conform.tester, needed),              \
        TEXT("device", "FOLDER",                                                                   \
             "the device that sks-conform visits the issuer with, made if it is not there",        \
             conform.device, needed),                                                              \
        REPORTS(conform.reports, needed),                                                          \
        TEXT("again", "COMMAND",                                                                   \
             "what a row names to repeat a case, before `conform END CASE` (docker/interop.sh)",   \
             conform.again, false)
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

static const struct option_row DRIVE[] = {
    ENDS,
    OPERATOR,
    TEXT("witness", "FOLDER", "desk of `sks-interop witness`", apart.witness, false),
    TEXT("issuer-host", "NAME", "host that the issuer itself listens on (issuer)",
         apart.issuer_host, false),
    NUMBER("issuer-port", "PORT", "its port there (8443)", apart.issuer_port, 1, 65535),
    TEXT("token-host", "ADDRESS", "of the token, for the witness (127.0.0.1)", apart.token_host,
         false),
    NUMBER("token-port", "PORT", "its port there (8765)", apart.token_port, 1, 65535),
    { "together", 0, NULL, "all is on one host: do not look whether the ends are kept apart",
      OPTION_FLAG, AT(apart.together) },
    CONFORM(false),
    { "no-conform", 0, NULL, "leave out the cases of sks-conform", OPTION_FLAG, AT(conform.none) },
    ATTACK_FILE,
    END,
};

static const struct option_row CONFORMS[] = { ENDS, OPERATOR, CONFORM(true), ATTACK_FILE, END };

static const struct option_row ATTACKED[] = { ENDS, OPERATOR, ATTACK_FILE, END };
static const struct option_row ENROL[] = { ENDS, END };

static const struct option_row FAULTS[] = {
    ENDS,
    OPERATOR,
    NUMBER("count", "N", "enrolments (100)", count, 1, 10000),
    TEXT("folder", "FOLDER", "shared with each `sks-interop keep`: --during and --tally", folder,
         true),
    END,
};

static const struct option_row OPERATE[] = {
    DESK,
    TEXT("data", "DIR", "folder of the issuer", operator.data, true),
    TEXT("publish", "FILE", "copy the issuer's TLS certificate there", operator.publish, false),
    TEXT("trust", "FOLDER",
         "where the issuer looks for device CAs that the operator adds", operator.trust, false),
    NUMBER("issuer", "PID",
           "process of `sks-issuer serve`: gets SIGHUP after a roll-over", operator.issuer, 1,
           UINT32_MAX),
    END,
};

static const struct option_row WITNESS[] = { DESK, END };
static const struct option_row TESTER[] = {
    DESK,
    TEXT("token", "URL", "the token itself, with no relay before it", tester.token, true),
    REPORTS(tester.reports, true),
    END,
};

static const struct option_row HEALTHCHECK[] = {
    TEXT("desk", "FOLDER", "of an operator, a witness, a tester (default: the check of process 1)",
         desk, false),
    END,
};
static const struct option_row NONE[] = { END };

static const struct option_row KEEP[] = {
    NUMBER("seed", "N", "draws the moments (1)", keep.seed, 0, UINT32_MAX),
    NUMBER("from", "MS", "least time from a start to a kill (200)", keep.from, 1, 3600000),
    NUMBER("to", "MS", "longest (4000)", keep.to, 1, 3600000),
    TEXT("during", "FILE", "kill only while it is there", keep.during, false),
    TEXT("tally", "FILE", "write there how many kills there were", keep.tally, false),
    END,
};

enum { HEALTH_SECONDS = 4 };

static void set_defaults(void *given)
{
    struct options *o = given;

    o->ends.pin = "471820";
    o->apart = (struct apart){
        .issuer_host = "issuer", .issuer_port = 8443, .token_host = "127.0.0.1", .token_port = 8765
    };
    o->conform.again = "docker/interop.sh";
    o->count = 100;
    o->keep = (struct keep_options){ .seed = 1, .from = 200, .to = 4000 };
}

static volatile sig_atomic_t stop;

static void raise_stop(int signal)
{
    (void)signal;
    stop = 1;
}

static void catch_signals(void)
{
    struct sigaction catch = { .sa_handler = raise_stop };

    (void)sigaction(SIGINT, &catch, NULL);
    (void)sigaction(SIGTERM, &catch, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Ends at once: nothing is left behind that the next run would mind. */
static struct table *begin(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
    return table_new();
}

static enum exit_code finish(struct table *table)
{
    enum exit_code code = table_print(table);

    table_free(table);
    return code;
}

/* The device CA was not there yet when the issuer looked. */
static void introduce(const struct ends *ends, struct table *table)
{
    struct sks_error err = { 0 };

    if (ends_ask(ends, "reload", NULL, &err) != SKS_OK)
        table_tell(table, "issuer", "reads the device CA", false, -1, "%s", err.text);
}

static enum exit_code drive(void *given, char **operands, size_t count)
{
    const struct options *o = given;
    struct table *table;

    (void)operands, (void)count;
    if (!o->apart.together && o->apart.witness == NULL)
        return program_fail(EXIT_USAGE, "give --witness, or --together");
    if (!o->conform.none &&
        (o->conform.tester == NULL || o->conform.device == NULL || o->conform.reports == NULL))
        return program_fail(EXIT_USAGE, "give --tester, --device and --reports, or --no-conform");
    table = begin();
    if (table == NULL)
        return program_fail(EXIT_IO, "no memory");
    (void)unlink(o->attack_file);
    introduce(&o->ends, table);
    part_apart(&o->ends, &o->apart, table);
    part_profiles(&o->ends, table);
    part_attacks(&o->ends, o->attack_file, table);
    if (!o->conform.none) /* last: what it leaves at the issuer is nothing to the rows before */
        part_conform(&o->ends, &o->conform, NULL, NULL, 0, table);
    return finish(table);
}

static enum exit_code conform(void *given, char **operands, size_t count)
{
    const struct options *o = given;
    struct table *table;

    if (count > 0 && strcmp(operands[0], "token") != 0 && strcmp(operands[0], "issuer") != 0)
        return program_fail(EXIT_USAGE, "'%s' is neither token nor issuer", operands[0]);
    table = begin();
    if (table == NULL)
        return program_fail(EXIT_IO, "no memory");
    (void)unlink(o->attack_file);
    if (count == 0)
        part_conform(&o->ends, &o->conform, NULL, NULL, 0, table);
    else
        part_conform(&o->ends, &o->conform, operands[0], operands + 1, count - 1, table);
    return finish(table);
}

static enum exit_code attacked(void *given, char **operands, size_t count)
{
    const struct options *o = given;
    struct table *table = begin();

    (void)count;
    if (table == NULL)
        return program_fail(EXIT_IO, "no memory");
    (void)unlink(o->attack_file);
    introduce(&o->ends, table);
    part_attacked(&o->ends, operands[0], o->attack_file, table);
    return finish(table);
}

static enum exit_code enrol(void *given, char **operands, size_t count)
{
    const struct options *o = given;
    struct table *table = begin();

    if (table == NULL)
        return program_fail(EXIT_IO, "no memory");
    part_enrol(&o->ends, operands, count, table);
    return finish(table);
}

static enum exit_code faults(void *given, char **operands, size_t count)
{
    const struct options *o = given;
    struct table *table = begin();

    (void)operands, (void)count;
    if (table == NULL)
        return program_fail(EXIT_IO, "no memory");
    introduce(&o->ends, table);
    part_faults(&o->ends, o->count, o->folder, table);
    return finish(table);
}

static enum exit_code operate(void *given, char **operands, size_t count)
{
    struct options *o = given;

    (void)operands, (void)count;
    catch_signals();
    o->operator.desk = o->desk;
    return operator_run(&o->operator, & stop);
}

static enum exit_code witness(void *given, char **operands, size_t count)
{
    (void)operands, (void)count;
    catch_signals();
    return witness_run(((const struct options *)given)->desk, &stop);
}

static enum exit_code tester(void *given, char **operands, size_t count)
{
    struct options *o = given;

    (void)operands, (void)count;
    catch_signals();
    o->tester.desk = o->desk;
    return tester_run(&o->tester, &stop);
}

static enum exit_code healthcheck(void *given, char **operands, size_t count)
{
    struct sks_error err = { 0 };

    const char *desk = ((const struct options *)given)->desk;

    (void)operands, (void)count;
    if (desk == NULL)
        return first_process_check();
    return program_finish(desk_is_there(desk, HEALTH_SECONDS, &err), &err);
}

/* What docker/check.sh cannot see from outside. */
static enum exit_code inside(void *given, char **operands, size_t count)
{
    static const char *const FOLDERS[] = { "/", "/etc", "/usr/local/bin", "/tmp", "/run" };
    char ports[REACH_TEXT_MAX];
    size_t writable = 0;

    (void)given, (void)operands, (void)count;
    for (size_t i = 0; i < NITEMS(FOLDERS); i++)
        writable += access(FOLDERS[i], W_OK) == 0;
    reach_ports(ports);
    (void)printf("user %u:%u, writable system folders %zu, open ports %s\n", (unsigned)getuid(),
                 (unsigned)getgid(), writable, ports);
    return EXIT_DONE;
}

static enum exit_code keep(void *given, char **operands, size_t count)
{
    (void)count;
    return keep_run(&((const struct options *)given)->keep, operands);
}

enum { WORDS_MAX = 100 };

static const struct command_row COMMANDS[] = {
    { "drive", "", 0, 0,
      "Enrols by every shipped profile, attacks some sessions, runs the conformance cases against "
      "both ends, and prints what came of it.",
      DRIVE, drive, set_defaults },
    { "conform", "[token|issuer [CASE...]]", 0, 1 + CONFORMANCE_CASES_MAX,
      "Runs the conformance cases alone: against both ends, or some against one.", CONFORMS,
      conform, set_defaults },
    { "attacked", "ATTACK", 1, 1,
      "Enrols through relays that carry out an attack (a name, or rules): 0 only if an end detects "
      "it.",
      ATTACKED, attacked, set_defaults },
    { "enrol", "PROFILE...", 1, WORDS_MAX, "Enrols at an issuer of which nothing else is known.",
      ENROL, enrol, set_defaults },
    { "faults", "", 0, 0, "Enrols while all programs are killed at random, and counts.", FAULTS,
      faults, set_defaults },
    { "operator", "", 0, 0, "Does what an operator of the issuer does, when the driver asks.",
      OPERATE, operate, set_defaults },
    { "witness", "", 0, 0, "Says what can be reached from where it stands, when the driver asks.",
      WITNESS, witness, set_defaults },
    { "tester", "", 0, 0, "Runs sks-conform against the token, when the driver asks.", TESTER,
      tester, set_defaults },
    { "healthcheck", "", 0, 0,
      "Asks at a desk whether somebody is there, else the first process of a container: 0, else 3.",
      HEALTHCHECK, healthcheck, set_defaults },
    { "inside", "", 0, 0, "Says who it runs as, and which TCP ports are open beyond the loopback.",
      NONE, inside, NULL },
    { "keep", "-- PROGRAM [WORD...]", 1, WORDS_MAX,
      "Runs a program, and kills and starts it again at random moments.", KEEP, keep,
      set_defaults },
    { 0 },
};

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        "sks-interop", "an interop run of issuer, token and proxy, and those who take part in it",
        COMMANDS, sizeof(struct options)
    };

    return program_main(&PROGRAM, argc, argv);
}
