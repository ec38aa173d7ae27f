//! Compiles openh264's decoder, from the sources that the crate `openh264-sys2` carries, for WebAssembly.
//!
//! That crate's own build knows no WebAssembly. Natively nothing is compiled: the decoder is tested in the module that ships.

use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: &str = "openh264-sys2";

/// Without threads, files, clocks and logs: cpp/driver.cpp stands in for `welsDecoderExt.cpp` and what it needs.
const COMMON: &[&str] = &[
    "common_tables.cpp",
    "copy_mb.cpp",
    "cpu.cpp",
    "deblocking_common.cpp",
    "expand_pic.cpp",
    "intra_pred_common.cpp",
    "mc.cpp",
    "memory_align.cpp",
];
const DECODER: &[&str] = &[
    "au_parser.cpp",
    "bit_stream.cpp",
    "cabac_decoder.cpp",
    "deblocking.cpp",
    "decode_mb_aux.cpp",
    "decode_slice.cpp",
    "decoder.cpp",
    "decoder_core.cpp",
    "decoder_data_tables.cpp",
    "error_concealment.cpp",
    "fmo.cpp",
    "get_intra_predictor.cpp",
    "manage_dec_ref.cpp",
    "memmgr_nal_unit.cpp",
    "mv_pred.cpp",
    "parse_mb_syn_cabac.cpp",
    "parse_mb_syn_cavlc.cpp",
    "pic_queue.cpp",
    "rec_mb.cpp",
];

/// In a file of the decoder, a text that it has once, and what stands there for us.
struct Mend {
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const MENDS: &[Mend] = &[
    // Slices are judged by cpp/driver.cpp before they become a picture.
    Mend {
        file: "decoder_core.cpp",
        from: "static inline int32_t DecodeFrameConstruction",
        to: "int32_t DecodeWholeSlice (PWelsDecoderContext, bool, PNalUnit);\n\
             static inline int32_t DecodeFrameConstruction",
    },
    Mend { file: "decoder_core.cpp", from: "iRet = WelsDecodeSlice (", to: "iRet = DecodeWholeSlice (" },
    // Implicit weights belong to the order of the references that is in force (8.4.2.3.1): not to the one before it was changed.
    Mend {
        file: "decoder_core.cpp",
        from: "    CreateImplicitWeightTable (pCtx);\n  } else",
        to: "  } else",
    },
    Mend {
        file: "decoder_core.cpp",
        from: "      iRet = WelsReorderRefList (pCtx);\n  }\n",
        to: "      iRet = WelsReorderRefList (pCtx);\n  }\n  if (pCtx->eSliceType == B_SLICE) CreateImplicitWeightTable (pCtx);\n",
    },
    // The quarters of a skipped macroblock of a B slice may move differently, and then their edges are filtered (8.7.2.1).
    Mend {
        file: "deblocking.cpp",
        from: "    if (IS_SKIP (iCurMbType)) {",
        to: "    if (IS_SKIP (iCurMbType) && !(bBSlice && (iCurMbType & MB_TYPE_8x8))) {",
    },
    // What is predicted for one quarter does not change which lists the others use: those that look here for the colocated
    // block need both.
    Mend {
        file: "mv_pred.cpp",
        from: "    subMbType &= ~MB_TYPE_L0;\n  }\n  GetMbType (pCurDqLayer)[iMbXy] = mbType;",
        to: "    subMbType &= ~MB_TYPE_L0;\n  }\n  if (bSkipOrDirect) GetMbType (pCurDqLayer)[iMbXy] = mbType;",
    },
    // With CAVLC as with CABAC: motion is predicted from temporally predicted quarters, too (8.4.1.3.2).
    Mend {
        file: "parse_mb_syn_cavlc.cpp",
        from: "LIST_1, iRef[LIST_1]);\n          FillTemporalDirect8x8Mv",
        to: "LIST_1, iRef[LIST_1]);\n          ref_idx_list[LIST_0][i] = iRef[LIST_0];\n          \
             ref_idx_list[LIST_1][i] = iRef[LIST_1];\n          FillTemporalDirect8x8Mv",
    },
    // Each sixteenth of a bipredicted quarter has a place of its own, in the second prediction as in the first.
    Mend {
        file: "rec_mb.cpp",
        from: "pTempMCRefMem.pDstY = pDstY2 + iBlk8X + iBlk8Y * iDstLineLuma;",
        to: "pTempMCRefMem.pDstY = pDstY2 + iBlk4X + iBlk4Y * iDstLineLuma;",
    },
    // High profiles have level_prefix 16 (9.2.2.1).
    Mend {
        file: "parse_mb_syn_cavlc.cpp",
        from: "#define MAX_LEVEL_PREFIX 15",
        to: "#define MAX_LEVEL_PREFIX 16",
    },
    Mend {
        file: "parse_mb_syn_cavlc.cpp",
        from: "iLevelCode = iLevelPrefix << iSuffixLength; //differ",
        to: "iLevelCode = WELS_MIN (iLevelPrefix, 15) << iSuffixLength;",
    },
    Mend {
        file: "parse_mb_syn_cavlc.cpp",
        from: "else if (15 == iLevelPrefix) {\n        iSuffixLengthSize = 12;",
        to: "else if (15 <= iLevelPrefix) {\n        iSuffixLengthSize = iLevelPrefix - 3;\n        if (16 == iLevelPrefix) iLevelCode += 4096;",
    },
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cpp");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    let upstream = sources().join("upstream/codec");
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .compiler("clang++-19")
        .archiver("llvm-ar-19")
        .cpp_link_stdlib(None)
        .warnings(false)
        .opt_level(3)
        .define("NDEBUG", None)
        .include("cpp/libc");
    for folder in ["api/wels", "common/inc", "decoder/core/inc"] {
        build.include(upstream.join(folder));
    }
    for flag in [
        "-std=c++11",
        "-nostdlibinc",
        "-fno-exceptions",
        "-fno-rtti",
        "-fno-threadsafe-statics",
        "-fno-strict-aliasing",
        "-ffunction-sections",
        "-fdata-sections",
        "-mbulk-memory",
        "-msign-ext",
        "-mnontrapping-fptoint",
    ] {
        build.flag(flag);
    }
    let features = std::env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    if features.split(',').any(|feature| feature == "simd128") {
        build.flag("-msimd128");
    }
    build.file("cpp/driver.cpp");
    build.files(COMMON.iter().map(|name| upstream.join("common/src").join(name)));
    build.files(DECODER.iter().map(|name| mended(name, &upstream.join("decoder/core/src").join(name))));
    build.compile("openh264_decoder");
}

/// The file itself, or a copy that is mended.
fn mended(name: &str, source: &Path) -> PathBuf {
    let mut text = None;
    for mend in MENDS.iter().filter(|mend| mend.file == name) {
        let before = text.unwrap_or_else(|| {
            let original = std::fs::read_to_string(source).expect("the sources are readable");
            original.replace("\r\n", "\n")
        });
        assert_eq!(before.matches(mend.from).count(), 1, "{name} has another {:?}", mend.from);
        text = Some(before.replace(mend.from, mend.to));
    }
    let Some(text) = text else { return source.to_path_buf() };
    let copy = PathBuf::from(std::env::var_os("OUT_DIR").expect("Cargo gives a folder")).join(name);
    std::fs::write(&copy, text).expect("Cargo's folder takes a file");
    copy
}

/// Where Cargo has unpacked the package that Cargo.lock pins.
fn sources() -> PathBuf {
    let cargo = std::env::var("CARGO").expect("Cargo names itself");
    let target = std::env::var("TARGET").expect("Cargo names the target");
    let manifest = std::env::var("CARGO_MANIFEST_DIR").expect("Cargo names the package");
    let out = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &target])
        .current_dir(manifest)
        .output()
        .expect("cargo metadata starts");
    assert!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    let json = String::from_utf8_lossy(&out.stdout);
    // One string of it is wanted; a JSON parser would be compiled for it in each build.
    let key = "\"manifest_path\":\"";
    let paths = json.split(key).skip(1).filter_map(|rest| Path::new(rest.split('"').next()?).parent());
    let has_its_name = |path: &&Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{SOURCES}-")))
    };
    paths
        .into_iter()
        .find(has_its_name)
        .unwrap_or_else(|| panic!("cargo metadata lists no {SOURCES}"))
        .to_path_buf()
}
