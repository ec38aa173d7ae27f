// openh264's core, with driver.cpp's check of each slice between its parsing and its reconstruction.
#define WelsTargetSliceConstruction h264_construct_slice
#include "decoder_core.cpp"
