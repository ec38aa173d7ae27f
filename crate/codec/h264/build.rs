//! Compiles openh264's decoder, from the sources that the crate `openh264-sys2` carries, for WebAssembly.
//!
//! That crate's own build knows no WebAssembly. Natively nothing is compiled: the decoder is tested in the module that ships.

use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: &str = "openh264-sys2";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cpp");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    let upstream = sources().join("upstream/codec");
    let folder = |path: &str| upstream.join(path);
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .compiler("clang++-19")
        .archiver("llvm-ar-19")
        .cpp_link_stdlib(None)
        .warnings(false)
        .opt_level(3)
        .define("NDEBUG", None)
        .include("cpp/libc")
        .include(folder("api/wels"))
        .include(folder("common/inc"))
        .include(folder("decoder/core/inc"));
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
    if std::env::var("CARGO_CFG_TARGET_FEATURE")
        .is_ok_and(|features| features.split(',').any(|f| f == "simd128"))
    {
        build.flag("-msimd128");
    }
    build.include(folder("decoder/core/src")).file("cpp/core.cpp").file("cpp/driver.cpp");
    for name in COMMON {
        build.file(folder("common/src").join(name));
    }
    for name in DECODER {
        build.file(folder("decoder/core/src").join(name));
    }
    build.compile("openh264_decoder");
}

/// Without threads, files, clocks and logs: cpp/driver.cpp stands in for `welsDecoderExt.cpp` and what it needs, and
/// cpp/core.cpp includes `decoder_core.cpp`.
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
