//! Dates of playlists, in all forms.

mod playlists;

use playlists::media;

const SECOND: i64 = 1_000_000;

#[test]
fn dates_are_read_in_all_forms_that_servers_write() {
    let date = |text: &str| {
        let head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:";
        media(&format!("{head}{text}\n#EXTINF:4,\ns\n")).segments[0].program_date_time.map(|time| time.0)
    };
    let whole = 1_266_591_263 * SECOND;
    for text in [
        "2010-02-19T14:54:23Z",
        "2010-02-19T14:54:23",
        "2010-02-19t14:54:23.000z",
        "2010-02-19 14:54:23.0 Z",
        "2010-02-19T22:54:23+08:00",
        "2010-02-19T22:54:23+0800",
        "2010-02-19T22:54:23+08",
        "2010-02-18T23:54:23-15:00",
        "20100219T145423Z",
    ] {
        assert_eq!(date(text), Some(whole), "{text}");
    }
    assert_eq!(date("2010-02-19T14:54:23.031Z"), Some(whole + 31_000));
    assert_eq!(date("2010-02-19T14:54:23,0314159+00:00"), Some(whole + 31_416));
    assert_eq!(date("2024-02-29T00:00:00Z"), Some(1_709_164_800 * SECOND));
    assert_eq!(date("1969-12-31T23:59:59.5Z"), Some(-SECOND / 2));
    assert_eq!(date("2010-02-19"), Some(1_266_537_600 * SECOND));
    for text in
        ["", "yesterday", "2010-13-01T00:00:00Z", "2010-02-19T14:54:23+8", "2010-02-19T14:54:23.0é", "２010"]
    {
        assert_eq!(date(text), None, "{text}");
    }
}
