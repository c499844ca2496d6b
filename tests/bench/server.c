#include "tests/bench/server.h"
#include "keygen2/base/http_client.h"
#include "tests/plain/support/own_store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
    char address[STORE_FOLDER_MAX + 16]; /* unix:PATH */
    pid_t pid;
    struct http_client *client;
};

static const char *path_of_socket(const struct server *s)
{
    return s->address + sizeof "unix:" - 1;
}

/* Becomes the server; its first line goes to the pipe. */
static void become_server(const struct server *s, const char *folder, int output)
{
    const char *build = getenv("SKS_BUILD");
    char program[256];

    (void)snprintf(program, sizeof program, "%s/sks-token", build == NULL ? "build" : build);
    (void)dup2(output, STDOUT_FILENO);
    (void)execl(program, program, "serve", "--store", folder, "--listen", s->address, (char *)NULL);
    perror(program);
    _exit(127);
}

struct server *server_start(const char *folder)
{
    struct http_client_config config = { .never_twice = true };
    struct server *s = calloc(1, sizeof *s);
    int output[2];
    char line[256];
    ssize_t len;

    must(s != NULL && pipe(output) == 0, "pipe");
    (void)snprintf(s->address, sizeof s->address, "unix:%s/bench.sock", folder);
    s->pid = fork();
    must(s->pid >= 0, "fork");
    if (s->pid == 0)
        become_server(s, folder, output[1]);
    (void)close(output[1]);
    len = read(output[0], line, sizeof line);
    must(len > 6 && memcmp(line, "ready ", 6) == 0, "sks-token is ready");
    (void)close(output[0]);
    config.unix_socket = path_of_socket(s);
    must(http_client_new(&config, &s->client, NULL) == SKS_OK, "HTTP client");
    return s;
}

void server_exchange(struct server *server, struct bytes request, struct buf *answer)
{
    struct http_exchange exchange = { 0 };

    must(http_client_exchange(server->client, "POST", "http://localhost/sks",
                              "application/octet-stream", NULL, request, &exchange,
                              NULL) == SKS_OK &&
             exchange.status == 200,
         "exchange");
    put_raw(answer, buf_bytes(&exchange.body));
    http_exchange_free(&exchange);
}

void server_stop(struct server *server)
{
    int status;

    http_client_free(server->client);
    must(kill(server->pid, SIGTERM) == 0 && waitpid(server->pid, &status, 0) == server->pid &&
             status == 0,
         "sks-token stops");
    (void)unlink(path_of_socket(server));
    free(server);
}
