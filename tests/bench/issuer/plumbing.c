#include "tests/bench/issuer/plumbing.h"
#include "tests/bench/issuer/crowd.h"
#include "tests/bench/issuer/folder.h"
#include "tests/plain/support/must.h"

#include <curl/curl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ASKERS = 8, BODY_MAX = 4096, URL_MAX = 2 * FILE_MAX, THREADS = 2, BACKLOG = 64 };
static const double WINDOW = 0.6; /* seconds */

enum { ISSUER, TOKEN, ENDS };

/* Of p256-user-pin, as `sks-proxy provision --trace` shows them; sent 0: a GET. */
static const struct trip {
    unsigned end;
    int sent, received; /* bytes of the two bodies */
} TRIPS[] = {
    { TOKEN, 1, 2428 },    { ISSUER, 0, 160 }, { ISSUER, 143, 605 }, { TOKEN, 324, 198 },
    { ISSUER, 1163, 758 }, { TOKEN, 62, 5 },   { TOKEN, 236, 132 },  { ISSUER, 429, 1134 },
    { TOKEN, 556, 1 },     { TOKEN, 73, 35 },  { ISSUER, 270, 0 },   { ISSUER, 0, 113 },
};
enum { TRIP_COUNT = sizeof TRIPS / sizeof *TRIPS };

/* ---- those who answer: as many bytes as the path says ---- */

static enum MHD_Result answer(void *body, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *size, void **begun)
{
    const size_t wanted = strtoul(url + 1, NULL, 10);
    struct MHD_Response *response;
    enum MHD_Result result;

    (void)method, (void)version, (void)upload;
    if (*begun == NULL || *size > 0) {
        *begun = body;
        *size = 0;
        return MHD_YES;
    }
    response = MHD_create_response_from_buffer(wanted, body, MHD_RESPMEM_PERSISTENT);
    result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static int listen_at(const char *address)
{
    struct sockaddr_in tcp = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_un unix_socket = { .sun_family = AF_UNIX };
    const bool is_tcp = strcmp(address, "tcp") == 0;
    const int fd = socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(unix_socket.sun_path, sizeof unix_socket.sun_path, "%s", address);
    must(fd >= 0 &&
             bind(fd, is_tcp ? (struct sockaddr *)&tcp : (struct sockaddr *)&unix_socket,
                  is_tcp ? sizeof tcp : sizeof unix_socket) == 0 &&
             listen(fd, BACKLOG) == 0,
         "a socket");
    return fd;
}

static void tell_ready(int fd)
{
    struct sockaddr_storage at = { 0 };
    struct sockaddr_in tcp;
    socklen_t size = sizeof at;

    must(getsockname(fd, (struct sockaddr *)&at, &size) == 0, "its address");
    memcpy(&tcp, &at, sizeof tcp);
    (void)printf("ready http://127.0.0.1:%u\n",
                 at.ss_family == AF_INET ? (unsigned)ntohs(tcp.sin_port) : 0U);
    (void)fflush(stdout);
}

int plumbing_answer(const char *address)
{
    static char body[BODY_MAX];
    const int fd = listen_at(address);
    struct MHD_Daemon *daemon;
    sigset_t end;
    int number;

    (void)sigemptyset(&end);
    (void)sigaddset(&end, SIGTERM);
    must(pthread_sigmask(SIG_BLOCK, &end, NULL) == 0, "signals");
    daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, body,
                              MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
                              (unsigned)THREADS, MHD_OPTION_END);
    must(daemon != NULL, "a server");
    tell_ready(fd);
    must(sigwait(&end, &number) == 0, "the end");
    MHD_stop_daemon(daemon);
    return 0;
}

/* ---- those who ask ---- */

struct asker {
    CURL *curl[ENDS]; /* a connection each */
    char url[TRIP_COUNT][URL_MAX];
};

struct plumbing {
    char folder[FOLDER_MAX];
    struct child *child[ENDS];
    struct curl_slist *headers;
    struct asker asker[ASKERS];
};

static size_t take(char *body, size_t size, size_t count, void *received)
{
    (void)body;
    *(size_t *)received += size * count;
    return size * count;
}

static void make_trip(CURL *curl, const struct trip *trip, const char *url)
{
    static const char BODY[BODY_MAX];
    size_t received = 0;

    must(curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received) == CURLE_OK &&
             (trip->sent == 0 ? curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK
                              : curl_easy_setopt(curl, CURLOPT_POSTFIELDS, BODY) == CURLE_OK &&
                                    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
                                                     (long)trip->sent) == CURLE_OK) &&
             curl_easy_perform(curl) == CURLE_OK && received == (size_t)trip->received,
         "an answer");
}

static void ask(void *ctx, unsigned number)
{
    struct asker *asker = ctx;

    (void)number;
    for (size_t i = 0; i < TRIP_COUNT; i++)
        make_trip(asker->curl[TRIPS[i].end], &TRIPS[i], asker->url[i]);
}

static CURL *open_curl(const struct curl_slist *headers, const char *path)
{
    CURL *curl = curl_easy_init();

    must(curl != NULL && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path) == CURLE_OK,
         "libcurl");
    return curl;
}

struct plumbing *plumbing_new(void)
{
    static const char PROGRAM[] = "bench/bench_issuer";
    struct plumbing *p = calloc(1, sizeof *p);
    char path[FILE_MAX], url[ENDS][FILE_MAX];

    must(p != NULL, "memory");
    folder_make(p->folder);
    folder_file(p->folder, "token", path);
    p->child[ISSUER] = child_start(PROGRAM, (const char *[]){ "answer", "tcp", NULL }, url[ISSUER],
                                   sizeof url[ISSUER]);
    p->child[TOKEN] = child_start(PROGRAM, (const char *[]){ "answer", path, NULL }, url[TOKEN],
                                  sizeof url[TOKEN]);
    p->headers = curl_slist_append(NULL, "Content-Type: application/json");
    must(curl_slist_append(p->headers, "Expect:") != NULL, "memory");
    for (size_t i = 0; i < ASKERS; i++) {
        p->asker[i].curl[ISSUER] = open_curl(p->headers, NULL);
        p->asker[i].curl[TOKEN] = open_curl(p->headers, path);
        for (size_t j = 0; j < TRIP_COUNT; j++)
            (void)snprintf(p->asker[i].url[j], URL_MAX, "%s/%d", url[TRIPS[j].end],
                           TRIPS[j].received);
    }
    return p;
}

static double cpu_seconds(const struct plumbing *p)
{
    return bench_process_cpu_now() + child_cpu_seconds(p->child[ISSUER]) +
           child_cpu_seconds(p->child[TOKEN]);
}

double plumbing_us(struct plumbing *p)
{
    const double before = cpu_seconds(p);
    struct operation member[ASKERS];
    struct crowd_result result;

    for (size_t i = 0; i < ASKERS; i++)
        member[i] = (struct operation){ ask, &p->asker[i], NULL };
    result = crowd_run(member, ASKERS, WINDOW);
    return 1e6 * (cpu_seconds(p) - before) / result.done;
}

void plumbing_free(struct plumbing *p)
{
    for (size_t i = 0; i < ASKERS; i++)
        for (size_t end = 0; end < ENDS; end++)
            curl_easy_cleanup(p->asker[i].curl[end]);
    curl_slist_free_all(p->headers);
    for (size_t end = 0; end < ENDS; end++)
        child_stop(p->child[end]);
    folder_remove(p->folder);
    free(p);
}
