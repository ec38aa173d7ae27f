//! The face of a software decoder's module: what its WebAssembly exports, and the trait behind it.
//!
//! A module is one decoder: whoever wants another one makes another instance, and a decoder ends with its memory. It imports
//! nothing, so it can do nothing but decode. Input goes into a buffer of the module, output is read where the module has it.
//! **Invariant:** what an export returns is either good or a negative number with a message; a trap ends the instance and nothing
//! else. Times pass through untouched, in µs.
//!
//! | export | |
//! | --- | --- |
//! | `input(len) -> ptr` | room for `len` bytes: a configuration or a packet; valid until the next call |
//! | `open(len) -> i32` | takes the configuration in the input; once, first. 0, or -1 |
//! | `decode(len, pts: f64, keyframe) -> i32` | takes the packet in the input: how many outputs wait, or -1: the packet was left out |
//! | `flush() -> i32` | everything inside comes out: how many outputs wait, or -1. A keyframe follows |
//! | `next() -> ptr` | the next output, or 0; it and what it points to are valid until the next call |
//! | `message() -> ptr`, `message_len() -> len` | why the last call failed, UTF-8 |
//!
//! The configuration is [`Config`]'s bytes, an output is a [`RawPicture`] or a [`RawSound`]. An encoder's face is beside it, in
//! `encoder.rs`.

mod config;
mod encoder;
mod module;
mod output;

pub use config::{Config, ConfigKind};
pub use encoder::{Encode, EncoderConfig, EncoderModule, Packet, RawPacket};
pub use module::{Module, Output};
pub use output::{Picture, Plane, RawPicture, RawSound, Sound};

/// Why a packet or a configuration came to nothing. For logs: nobody takes it apart.
pub type Error = String;

/// A decoder, as a module has it.
pub trait Decode: Sized {
    /// What it gives: [`Picture`] or [`Sound`].
    type Output: Output;

    fn open(config: &Config<'_>) -> Result<Self, Error>;

    /// Outputs go to `out`, in presentation order. After an error the decoder goes on with the next packet; it says itself from
    /// which on its pictures are whole again, by giving none before.
    fn decode(
        &mut self,
        data: &[u8],
        pts: f64,
        keyframe: bool,
        out: &mut Vec<Self::Output>,
    ) -> Result<(), Error>;

    /// Gives all that is inside, and is then as after `open`.
    fn flush(&mut self, out: &mut Vec<Self::Output>) -> Result<(), Error>;
}

/// Makes the exports of a module around a [`Decode`].
#[macro_export]
macro_rules! module {
    ($decoder:ty) => {
        #[cfg(target_family = "wasm")]
        mod exports {
            use std::cell::RefCell;

            thread_local! {
                static MODULE: RefCell<$crate::Module<$decoder>> = RefCell::default();
            }

            fn with<T>(act: impl FnOnce(&mut $crate::Module<$decoder>) -> T) -> T {
                MODULE.with_borrow_mut(act)
            }

            #[unsafe(no_mangle)]
            extern "C" fn input(len: usize) -> *mut u8 {
                with(|module| module.input(len))
            }

            #[unsafe(no_mangle)]
            extern "C" fn open(len: usize) -> i32 {
                with(|module| module.open(len))
            }

            #[unsafe(no_mangle)]
            extern "C" fn decode(len: usize, pts: f64, keyframe: i32) -> i32 {
                with(|module| module.decode(len, pts, keyframe != 0))
            }

            #[unsafe(no_mangle)]
            extern "C" fn flush() -> i32 {
                with(|module| module.flush())
            }

            #[unsafe(no_mangle)]
            extern "C" fn next() -> *const <<$decoder as $crate::Decode>::Output as $crate::Output>::Raw {
                with(|module| module.take())
            }

            #[unsafe(no_mangle)]
            extern "C" fn message() -> *const u8 {
                with(|module| module.message().as_ptr())
            }

            #[unsafe(no_mangle)]
            extern "C" fn message_len() -> usize {
                with(|module| module.message().len())
            }
        }
    };
}
