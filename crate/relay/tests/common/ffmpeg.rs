//! FFmpeg as an independent player.

use std::process::Command;

/// The column of `framemd5`, behind the stream, two times, duration and size.
const HASH: usize = 5;

/// The frames of a kind that FFmpeg decodes from a file or an address, each as its hash; panics where it finds fault.
pub fn decoded(input: &str, kind: char) -> Vec<String> {
    hashes(input, kind, &[])
}

/// The packets of AAC, each as its hash.
pub fn sound(input: &str) -> Vec<String> {
    hashes(input, 'a', &["-c", "copy", "-bsf:a", "aac_adtstoasc"])
}

fn hashes(input: &str, kind: char, how: &[&str]) -> Vec<String> {
    let out = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-v", "error", "-i", input])
        .args(["-map", &format!("0:{kind}:0")])
        .args(how)
        .args(["-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.is_empty(), "{input}: {said}");
    let text = String::from_utf8(out.stdout).unwrap();
    let hashes = text.lines().filter(|line| !line.starts_with('#'));
    hashes.map(|line| line.split(',').nth(HASH).unwrap().trim().to_owned()).collect()
}
