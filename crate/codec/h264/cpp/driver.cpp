// Drives openh264's core: what `welsDecoderExt.cpp` does, without threads, logs, statistics and its reordering, which guesses.
// A picture comes out with the last of its slices, in decoding order; src/reorder.rs knows the presentation times.

#include "driver.h"

#include "decode_slice.h"
#include "decoder.h"
#include "decoder_core.h"
#include "memory_align.h"
#include "utils.h"
#include "wels_decoder_thread.h"

using namespace WelsDec;

struct H264Decoder {
  PWelsDecoderContext ctx;
  // What the context points to, shared by the threads of the original.
  SWelsLastDecPicInfo last;
  SDecoderStatistics statistics;
  SVlcTable vlc;
  SPictInfo pictures[16];
  SPictReoderingStatus reordering;
  int32_t sequence;
};

static bool open_context(H264Decoder* decoder) {
  PWelsDecoderContext ctx = (PWelsDecoderContext)WelsMallocz(sizeof(SWelsDecoderContext), "");
  if (ctx == NULL) return false;
  decoder->ctx = ctx;
  ctx->pMemAlign = new CMemoryAlign(16);
  if (ctx->pMemAlign == NULL) return false;
  ctx->pLastDecPicInfo = &decoder->last;
  ctx->pDecoderStatistics = &decoder->statistics;
  ctx->pVlcTable = &decoder->vlc;
  ctx->pPictInfoList = decoder->pictures;
  ctx->pPictReoderingStatus = &decoder->reordering;
  ctx->pStreamSeqNum = &decoder->sequence;

  SLogContext silent = {NULL, NULL, NULL};
  WelsDecoderLastDecPicInfoDefaults(decoder->last);
  WelsDecoderDefaults(ctx, &silent);
  WelsDecoderSpsPpsDefaults(ctx->sSpsPpsCtx);
  ResetReorderingPictureBuffers(&decoder->reordering, decoder->pictures, true);

  ctx->pParam = (SDecodingParam*)ctx->pMemAlign->WelsMallocz(sizeof(SDecodingParam), "");
  if (ctx->pParam == NULL) return false;
  SDecodingParam param = {};
  param.uiTargetDqLayer = 255;
  param.eEcActiveIdc = ERROR_CON_DISABLE;
  param.sVideoProperty.size = sizeof(param.sVideoProperty);
  param.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
  return DecoderConfigParam(ctx, &param) == ERR_NONE && WelsInitDecoder(ctx, &silent) == ERR_NONE;
}

H264Decoder* h264_create() {
  H264Decoder* decoder = (H264Decoder*)WelsMallocz(sizeof(H264Decoder), "");
  if (decoder != NULL && !open_context(decoder)) {
    h264_destroy(decoder);
    return NULL;
  }
  return decoder;
}

void h264_destroy(H264Decoder* decoder) {
  PWelsDecoderContext ctx = decoder->ctx;
  if (ctx != NULL) {
    if (ctx->pMemAlign != NULL) {
      WelsEndDecoder(ctx);
      delete ctx->pMemAlign;
    }
    WelsFree(ctx, "");
  }
  WelsFree(decoder, "");
}

// With pic_order_cnt_type 2 output order is decoding order (8.2.1.3), and Baseline has no B slices.
static int32_t reorder_depth(const SSps& sps) {
  if (sps.uiPocType == 2 || sps.uiProfileIdc == PRO_BASELINE) return 0;
  if (!sps.bVuiParamPresentFlag || !sps.sVui.bBitstreamRestrictionFlag) return -1;
  return (int32_t)WELS_MIN(sps.sVui.uiMaxNumReorderFrames, 16u);
}

static void describe(PWelsDecoderContext ctx, const SBufferInfo& info, H264Picture* picture) {
  const SSysMEMBuffer& buffer = info.UsrData.sSystemBuffer;
  for (int i = 0; i < 3; ++i) {
    picture->planes[i] = info.pDst[i];
    picture->strides[i] = buffer.iStride[i == 0 ? 0 : 1];
  }
  picture->width = buffer.iWidth;
  picture->height = buffer.iHeight;
  picture->grey = ctx->pSps->uiChromaFormatIdc == 0;
  if (picture->grey) {
    // The core crops by units of two pixels; without chroma they are of one (7-19).
    const SPosOffset& crop = ctx->sFrameCrop;
    picture->planes[0] -= crop.iTopOffset * picture->strides[0] + crop.iLeftOffset;
    picture->width += crop.iLeftOffset + crop.iRightOffset;
    picture->height += crop.iTopOffset + crop.iBottomOffset;
  }
  picture->reorder_depth = reorder_depth(*ctx->pSps);
  picture->references = ctx->pSps->iNumRefFrames;
  picture->frame_num = ctx->pLastDecPicInfo->sLastSliceHeader.iFrameNum;
  picture->log2_max_frame_num = (int32_t)ctx->pSps->uiLog2MaxFrameNum;
  picture->is_reference = ctx->pLastDecPicInfo->sLastNalHdrExt.sNalUnitHeader.uiNalRefIdc > 0;
  picture->resets_frame_num = ctx->pLastDecPicInfo->bLastHasMmco5;
}

// One pass of the core over some bytes, or, without any, over what they left.
static int32_t pass(PWelsDecoderContext ctx, const uint8_t* units, int32_t len, SBufferInfo* info) {
  uint8_t* planes[3] = {NULL, NULL, NULL};
  ctx->bEndOfStreamFlag = len == 0;
  ctx->bInstantDecFlag = len == 0;
  ctx->iErrorCode = dsErrorFree;
  ctx->iFeedbackVclNalInAu = FEEDBACK_UNKNOWN_NAL;
  ctx->iFeedbackTidInAu = -1;
  ctx->iFeedbackNalRefIdc = -1;
  ctx->bReferenceLostAtT0Flag = false;
  ctx->bCurAuContainLtrMarkSeFlag = false;
  ctx->iFrameNumOfAuMarkedLtr = 0;
  ctx->iFrameNum = -1;
  WelsDecodeBs(ctx, units, len, planes, info, NULL);
  ctx->bInstantDecFlag = false;
  return ctx->iErrorCode;
}

int32_t h264_decode(H264Decoder* decoder, const uint8_t* units, int32_t len, int32_t as_idr, H264Picture* picture) {
  PWelsDecoderContext ctx = decoder->ctx;
  if (CheckBsBuffer(ctx, len) != ERR_NONE) return -1 - dsOutOfMemory;
  ctx->uiDecodingTimeStamp += 1;

  SBufferInfo before = {};
  int32_t error = pass(ctx, units, len, &before);
  if (error != dsErrorFree) return -1 - error;
  // The packet goes on with another picture, and this one would come out under that one's time.
  if (before.iBufferStatus == 1) return -1 - dsBitstreamError;

  if (as_idr) {
    PAccessUnit unit = ctx->pAccessUnitList;
    for (uint32_t i = 0; i < unit->uiAvailUnitsNum; ++i) unit->pNalUnitsList[i]->sNalHeaderExt.bIdrFlag = true;
  }
  SBufferInfo info = {};
  error = pass(ctx, NULL, 0, &info);
  if (error != dsErrorFree) return -1 - error;
  if (info.iBufferStatus != 1) return ctx->iTotalNumMbRec != 0 ? H264_UNFINISHED : H264_NOTHING;
  describe(ctx, info, picture);
  return H264_PICTURE;
}

// A slice ends where its bits end. Where it does not, something in it is not what was sent, even if all of it could be read.
static bool ends_with_its_bits(PWelsDecoderContext ctx) {
  const SBitStringAux& bits = *ctx->pCurDqLayer->pBitStringAux;
  if (ctx->pPps->bEntropyCodingModeFlag) {
    const SWelsCabacDecEngine& cabac = *ctx->pCabacDecEngine;
    // To the byte: how the last bits are flushed is the encoder's affair, and x264 hides a mark in them.
    const int32_t over = (int32_t)((cabac.pBuffCurr - cabac.pBuffStart) << 3) - cabac.iBitsLeft - bits.iBits;
    return over > -8 && over < 8;
  }
  // As the core counts, the position is of the bit before the next.
  return ((bits.pCurBuf - bits.pStartBuf) << 3) - (16 - bits.iLeftBits) == bits.iBits - 1;
}

// Called by the core in place of WelsDecodeSlice (build.rs), before the slice is reconstructed.
namespace WelsDec {
int32_t DecodeWholeSlice(PWelsDecoderContext ctx, bool first_in_layer, PNalUnit unit) {
  const int32_t error = WelsDecodeSlice(ctx, first_in_layer, unit);
  if (error != ERR_NONE) return error;
  return ends_with_its_bits(ctx) ? ERR_NONE : ERR_INFO_MB_NUM_INADEQUATE;
}
}

// There is one thread: nothing waits, and what the core waits for only with several of them is there.
extern "C" {
int EventCreate(SWelsDecEvent*, int, int) { return 0; }
void EventPost(SWelsDecEvent*) {}
int EventWait(SWelsDecEvent*, int32_t) { return WELS_DEC_THREAD_WAIT_SIGNALED; }
void EventReset(SWelsDecEvent*) {}
void EventDestroy(SWelsDecEvent*) {}
}

void WelsLog(SLogContext*, int32_t, const char*, ...) {}

void* operator new(size_t size) noexcept { return malloc(size); }
void operator delete(void* pointer) noexcept { free(pointer); }
void operator delete(void* pointer, size_t) noexcept { free(pointer); }
