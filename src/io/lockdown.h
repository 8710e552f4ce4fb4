// A process that never starts another one says so to the kernel.
#pragma once

namespace io {

// From now on, in every thread: no programs, no new namespaces or mounts, no tracing, no kernel
// modules, no keyrings, no io_uring, no bpf; sockets of the families IPv4, IPv6 and unix only. Such
// a call answers EPERM. Sets no_new_privs. Error(internal) when the kernel refuses.
void lock_down();

}  // namespace io
