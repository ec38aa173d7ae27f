// What src/driver.rs calls: the two files change together.
#pragma once

#include <stdint.h>

extern "C" {

struct H264Decoder;

// A picture inside the decoder, cropped; valid until the next call.
struct H264Picture {
  const uint8_t* planes[3];
  int32_t strides[3];
  int32_t width;
  int32_t height;
  int32_t grey;
  // max_num_reorder_frames, or -1 where the stream does not say.
  int32_t reorder_depth;
  int32_t references;
  int32_t frame_num;
  int32_t log2_max_frame_num;
  // It stays as a reference for others.
  int32_t is_reference;
  // frame_num begins anew after it (memory_management_control_operation 5).
  int32_t resets_frame_num;
};

enum H264Result {
  H264_NOTHING = 0,
  H264_PICTURE = 1,
  // Some slices of a picture are decoded, and others are not here.
  H264_UNFINISHED = 2,
  // Otherwise an error: -1 - openh264's DECODING_STATE.
};

// Null where there is no memory.
H264Decoder* h264_create();
void h264_destroy(H264Decoder* decoder);

// Takes NAL units of one access unit, or some of them, each behind a start code. With `as_idr` the picture is decoded as an
// IDR picture whatever the type of its units: all before it is forgotten.
int32_t h264_decode(H264Decoder* decoder, const uint8_t* units, int32_t len, int32_t as_idr, H264Picture* picture);

}
