//! The choice of renditions beside the rule of hls.js, on fewer viewers than docs/renditions.md.

use sailcast_sim::abr::{study, trace};

#[test]
fn on_no_link_is_waited_longer_for_a_lower_bitrate() {
    for study in study::run(&trace::all(), 12, 7) {
        assert_eq!(study.missed(), Vec::<String>::new(), "{} {}", study.trace.name, study.kind.name());
    }
}
