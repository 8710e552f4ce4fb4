// A static program must never reach what glibc does by NSS, gconv or dlopen: the linker sends all
// callers here (--wrap).
#include <cstdio>
#include <cstdlib>

#define SYMPOZIUM_BANNED(name)                      \
  extern "C" [[noreturn]] void __wrap_##name();     \
  extern "C" void __wrap_##name() {                 \
    std::fputs("banned call: " #name "\n", stderr); \
    std::abort();                                   \
  }

SYMPOZIUM_BANNED(getaddrinfo)
SYMPOZIUM_BANNED(getnameinfo)
SYMPOZIUM_BANNED(gethostbyname)
SYMPOZIUM_BANNED(gethostbyaddr)
SYMPOZIUM_BANNED(gethostbyname_r)
SYMPOZIUM_BANNED(gethostbyaddr_r)
SYMPOZIUM_BANNED(getpwnam)
SYMPOZIUM_BANNED(getpwuid)
SYMPOZIUM_BANNED(getpwnam_r)
SYMPOZIUM_BANNED(getpwuid_r)
SYMPOZIUM_BANNED(getgrnam)
SYMPOZIUM_BANNED(getgrgid)
SYMPOZIUM_BANNED(getgrnam_r)
SYMPOZIUM_BANNED(getgrgid_r)
SYMPOZIUM_BANNED(getservbyname)
SYMPOZIUM_BANNED(getservbyport)
SYMPOZIUM_BANNED(getservbyname_r)
SYMPOZIUM_BANNED(getservbyport_r)
SYMPOZIUM_BANNED(dlopen)
SYMPOZIUM_BANNED(dlsym)
SYMPOZIUM_BANNED(iconv_open)
