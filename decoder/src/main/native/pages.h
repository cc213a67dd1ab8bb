// What the system is asked to do with memory. It may refuse, or not know what it is asked: then the memory stays as it is.
#pragma once
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace quiver {

enum Pages : int64_t {
  HUGE = 0,      // large pages, where memory is touched for the first time: reading from them needs fewer look-ups of addresses
  READ = 1,      // what lies in a file is to be read
  GATHERED = 2,  // large pages where all of one was touched already
};

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

inline void ask_for_pages(void *data, int64_t bytes, int64_t how) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), large = 2u << 20, unit = how == GATHERED ? large : page;
  const uintptr_t from = (uintptr_t)data, until = from + (uintptr_t)bytes;
  // A tensor begins some bytes behind where its memory does. Of what lies behind it nothing is asked.
  const uintptr_t first = from % unit < page ? from - from % unit : from + unit - from % unit, last = until - until % unit;
  if (first < last) madvise((void *)first, last - first, how == HUGE ? MADV_HUGEPAGE : how == READ ? MADV_POPULATE_READ : MADV_COLLAPSE);
}

}  // namespace quiver
