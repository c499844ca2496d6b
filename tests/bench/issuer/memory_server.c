#include "tests/bench/issuer/memory_server.h"
#include "issuer/options.h"
#include "keygen2/base/log.h"
#include "tests/bench/issuer/memory_store.h"

static enum exit_code run_serve(void *from, char **operands, size_t count)
{
    struct options *options = from;

    (void)operands, (void)count;
    log_set_level(LOG_LEVEL_INFO); /* as sks-issuer has it */
    memory_store_use(true);
    return serve(&options->serve);
}

int memory_server(int argc, char **argv)
{
    static const struct command_row COMMANDS[] = {
        { .name = "serve",
          .operands = "",
          .help = "serve as sks-issuer does, but keep sessions in memory",
          .options = OPTIONS_SERVE,
          .run = run_serve },
        { 0 },
    };
    static const struct program PROGRAM = { .name = "bench_issuer",
                                            .summary = "An issuer that forgets.",
                                            .commands = COMMANDS,
                                            .options_size = sizeof(struct options) };

    return program_main(&PROGRAM, argc, argv);
}
