#pragma once
#include <stddef.h>
struct timeval {
  long tv_sec;
  long tv_usec;
};
#ifdef __cplusplus
extern "C" {
#endif
int gettimeofday(struct timeval* now, void* zone);
#ifdef __cplusplus
}
#endif
