#pragma once
#ifdef __cplusplus
extern "C" {
#endif
double ceil(double value);
double log(double value);
#ifdef __cplusplus
}
#endif
