#pragma once
#define EINTR 4
#define EAGAIN 11
#define ETIMEDOUT 110
