/// Samples of what a figure shows beside its scale, each with what it means, in rows. A kind says what a sample
/// looks like.
struct Legend<Kind: Hashable> {
  /// A sample with its place.
  struct Sample: Hashable {
    let kind: Kind
    let place: Rectangle
  }

  private(set) var samples: [Sample] = []
  private(set) var texts: [PlacedText] = []
  /// The lower edge.
  private(set) var maxY: Double

  /// Rows from `y` down, from `left` to the right margin of the page, or from margin to margin where an
  /// entry needs that.
  init(
    _ entries: [(kind: Kind, meaning: String)], left: Double, y: Double, style: PageStyle,
    meter: TextMeter
  ) {
    let lead = style.sample + style.labelGap
    let texts = entries.map {
      meter.fitted($0.meaning, in: style.room - lead, size: style.text)
    }
    let lengths = texts.map { lead + meter.width(of: $0, size: style.text) }
    let end = style.width - style.margin
    let total = lengths.reduce(0) { $0 + $1 + 2 * style.gap } - 2 * style.gap
    let start =
      (left + total <= end ? left : max(style.margin, end - max(total, lengths.max() ?? 0)))
      .rounded()
    var (x, top) = (start, y.rounded(.up))
    maxY = entries.isEmpty ? y : top + style.sample
    for (index, entry) in entries.enumerated() {
      if x > start, x + lengths[index] > end {
        (x, top) = (start, (top + style.sample + style.labelGap).rounded(.up))
        maxY = top + style.sample
      }
      samples.append(
        Sample(
          kind: entry.kind,
          place: Rectangle(x: x.rounded(), y: top, width: style.sample, height: style.sample)))
      self.texts.append(
        meter.place(
          texts[index], x: x.rounded() + lead, y: top + style.sample / 2, size: style.text,
          anchor: .start))
      x += lengths[index] + 2 * style.gap
    }
  }
}
