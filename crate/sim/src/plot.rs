//! Plots as SVG: latency over time, and latency against stalls. Plain shapes on a white ground, so that they read alike
//! in light and dark pages.

use std::fmt::Write;

use sailcast_media::Micros;
use sailcast_sim::{Trail, study::Study};

/// Ours first; then one for each peer.
const COLOURS: [&str; 6] = ["#d81b60", "#8d99ae", "#1e88e5", "#43a047", "#fb8c00", "#7e57c2"];
const INK: &str = "#333";
const GRID: &str = "#e4e4e4";
const LEGEND: f64 = 26.0;

struct Svg {
    body: String,
    width: f64,
    height: f64,
}

impl Svg {
    fn new(width: f64, height: f64) -> Self {
        Self { body: String::new(), width, height }
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.body,
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}"/>"#
        );
    }

    fn path(&mut self, points: &str, colour: &str, width: f64) {
        let _ = writeln!(
            self.body,
            r#"<path d="{points}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>"#
        );
    }

    fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        let _ = writeln!(self.body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}"/>"#);
    }

    fn text(&mut self, (x, y): (f64, f64), anchor: &str, size: u32, text: &str) {
        let _ = writeln!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}" fill="{INK}">{text}</text>"#
        );
    }

    fn legend(&mut self, names: &[&str]) {
        let mut x = 50.0;
        for (name, colour) in names.iter().zip(COLOURS) {
            self.dot((x, 14.0), 5.0, colour);
            self.text((x + 10.0, 18.0), "start", 12, name);
            x += 34.0 + name.len() as f64 * 7.0;
        }
    }

    fn finish(self) -> String {
        let Self { body, width, height } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n"
        )
    }
}

/// A plotting area and its scales.
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Area {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let part = |v: f64, (low, high): (f64, f64)| ((v - low) / (high - low)).clamp(0.0, 1.0);
        (self.left + part(x, self.x) * self.width, self.top + (1.0 - part(y, self.y)) * self.height)
    }
}

/// Latency over time: one line a policy, `from..to` of the session, latencies above `ceiling` cut off.
pub fn over_time(names: &[&str], trails: &[Trail], from: Micros, to: Micros, ceiling: f64) -> String {
    const SAMPLE: f64 = 0.1;
    let mut svg = Svg::new(860.0, 330.0);
    svg.legend(names);
    let (begin, end) = (from.as_secs_f64(), to.as_secs_f64());
    let area = Area {
        left: 46.0,
        top: LEGEND + 8.0,
        width: 800.0,
        height: 255.0,
        x: (begin, end),
        y: (0.0, ceiling),
    };
    for i in 0..=6 {
        let latency = ceiling * f64::from(i) / 6.0;
        svg.line(area.at(begin, latency), area.at(end, latency), GRID);
        let (x, y) = area.at(begin, latency);
        svg.text((x - 6.0, y + 4.0), "end", 11, &format!("{latency:.1} s"));
    }
    const TICK: usize = 5;
    for time in ((begin.ceil() as usize).next_multiple_of(TICK)..=end as usize).step_by(TICK) {
        let (x, y) = area.at(time as f64, 0.0);
        svg.text((x, y + 16.0), "middle", 11, &time.to_string());
    }
    svg.text((area.left + area.width / 2.0, 326.0), "middle", 11, "seconds since the viewer asked");
    let every = (((end - begin) / SAMPLE / 600.0).ceil() as usize).max(1);
    // Ours last, on top.
    for (i, trail) in trails.iter().enumerate().rev() {
        let mut points = String::new();
        let first = (begin / SAMPLE) as usize;
        for (k, latency) in trail.iter().enumerate().skip(first).step_by(every) {
            let time = k as f64 * SAMPLE;
            if time > end {
                break;
            }
            let Some(latency) = latency else { continue };
            let (x, y) = area.at(time, latency.as_secs_f64());
            let _ = write!(points, "{}{x:.1} {y:.1}", if points.is_empty() { "M" } else { "L" });
        }
        svg.path(&points, COLOURS[i % COLOURS.len()], if i == 0 { 2.4 } else { 1.2 });
    }
    svg.finish()
}

/// Median latency against stall ratio, one small plot a trace: the nearer to the lower left, the better.
pub fn against_stalls(studies: &[Study]) -> String {
    const ACROSS: usize = 4;
    const CELL: (f64, f64) = (215.0, 175.0);
    let down = studies.len().div_ceil(ACROSS);
    let mut svg = Svg::new(CELL.0 * ACROSS as f64, LEGEND + CELL.1 * down as f64 + 8.0);
    let names: Vec<&str> = studies.first().map(|s| s.rows.iter().map(|r| r.0).collect()).unwrap_or_default();
    svg.legend(&names);
    for (n, study) in studies.iter().enumerate() {
        let latency = |i: usize| study.rows[i].1.latency.percentile(0.5).as_secs_f64();
        let stalls = |i: usize| study.rows[i].1.stall_ratio() * 100.0;
        let most =
            |f: &dyn Fn(usize) -> f64, least: f64| (0..study.rows.len()).map(f).fold(least, f64::max) * 1.1;
        let (right, top) = (most(&latency, 0.5), most(&stalls, 0.5));
        let area = Area {
            left: CELL.0 * (n % ACROSS) as f64 + 42.0,
            top: LEGEND + CELL.1 * (n / ACROSS) as f64 + 26.0,
            width: CELL.0 - 56.0,
            height: CELL.1 - 62.0,
            x: (0.0, right),
            y: (0.0, top),
        };
        svg.text((area.left + area.width / 2.0, area.top - 8.0), "middle", 12, study.trace.name);
        for i in 0..=2 {
            let (x, y) = (right * f64::from(i) / 2.0, top * f64::from(i) / 2.0);
            svg.line(area.at(0.0, y), area.at(right, y), GRID);
            svg.line(area.at(x, 0.0), area.at(x, top), GRID);
            let ((tick_x, _), (_, tick_y)) = (area.at(x, 0.0), area.at(0.0, y));
            svg.text((tick_x, area.top + area.height + 13.0), "middle", 10, &format!("{x:.1} s"));
            svg.text((area.left - 4.0, tick_y + 3.0), "end", 10, &format!("{y:.1} %"));
        }
        for i in (0..study.rows.len()).rev() {
            svg.dot(
                area.at(latency(i), stalls(i)),
                if i == 0 { 5.5 } else { 4.0 },
                COLOURS[i % COLOURS.len()],
            );
        }
    }
    svg.finish()
}
