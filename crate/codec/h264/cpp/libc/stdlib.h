#pragma once
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
void* malloc(size_t size);
void free(void* pointer);
static inline int abs(int value) { return value < 0 ? -value : value; }
#ifdef __cplusplus
}
#endif
