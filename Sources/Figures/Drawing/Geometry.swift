/// A rectangle with its origin at the upper left, y downwards.
struct Rectangle: Hashable {
  var x: Double
  var y: Double
  var width: Double
  var height: Double

  var maxX: Double { x + width }
  var maxY: Double { y + height }
  var midX: Double { x + width / 2 }
  var midY: Double { y + height / 2 }

  func union(_ other: Rectangle) -> Rectangle {
    let (left, top) = (min(x, other.x), min(y, other.y))
    return Rectangle(
      x: left, y: top, width: max(maxX, other.maxX) - left, height: max(maxY, other.maxY) - top)
  }

  /// Whether the two share more than a border.
  func overlaps(_ other: Rectangle) -> Bool {
    x < other.maxX && other.x < maxX && y < other.maxY && other.y < maxY
  }

  func contains(_ other: Rectangle) -> Bool { union(other) == self }

  func moved(byX x: Double, y: Double) -> Rectangle {
    Rectangle(x: self.x + x, y: self.y + y, width: width, height: height)
  }
}

/// One line of text with its place.
struct PlacedText: Hashable {
  /// Which point of the text stands at (x, y).
  enum Anchor: Hashable {
    case start
    case middle
    case end

    /// How much of the text stands before the point.
    var fraction: Double {
      switch self {
      case .start: 0
      case .middle: 0.5
      case .end: 1
      }
    }
  }

  /// What is written; never longer than the layout has room for.
  var text: String
  /// The anchor's place: on the middle of the capital letters.
  var x: Double
  var y: Double
  /// The height of an em.
  var size: Double
  /// The measured length.
  var length: Double
  var anchor: Anchor
  /// Whether the text runs upwards.
  var isVertical = false

  /// What the text covers, descenders included.
  var bounds: Rectangle {
    // From the middle of the capitals, letters reach 0.5 em to either side, and accents and
    // descenders a little more, which the distances between texts leave room for.
    let across = size
    return isVertical
      ? Rectangle(
        x: x - across / 2, y: y - (1 - anchor.fraction) * length, width: across, height: length)
      : Rectangle(
        x: x - anchor.fraction * length, y: y - across / 2, width: length, height: across)
  }

  func moved(byX x: Double, y: Double) -> PlacedText {
    var moved = self
    moved.x += x
    moved.y += y
    return moved
  }
}
