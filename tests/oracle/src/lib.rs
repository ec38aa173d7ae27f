//! Only tests live here: our parsers beside independent ones, on the fixtures and, where `SAILCAST_CORPUS` names a
//! folder, on every FLV file in it. No shipped crate depends on this one.
