#pragma once
typedef int sem_t;
