import FoundationEssentials

/// Numbers of a page: base64 in blocks of their own, decoded when a map is first shown.
struct NumberBlocks {
  /// How a block's numbers are written.
  enum Kind: String, Encodable {
    /// Little-endian.
    case float32
    /// 0…65534 for equal steps from `low` to `high`, 65535 for none; little-endian.
    case uint16
  }

  /// What the document says of a block.
  struct Reference: Encodable {
    var id: Int
    var type: Kind
    var low: Double?
    var high: Double?
  }

  /// A block of bytes.
  struct Codes: Encodable {
    var id: Int
  }

  private let kind: Kind
  /// The blocks, as elements of the page.
  private(set) var markup: [UInt8] = []
  private var count = 0

  /// Blocks of `total` numbers in all: float32 as long as that takes no more than `Report.limit` bytes.
  init(total: Int) {
    kind = total <= Report.limit / 16 * 3 ? .float32 : .uint16
  }

  /// Adds a block of `values`, NaN where there is none.
  mutating func add(_ values: [Double]) -> Reference {
    switch kind {
    case .float32:
      let id = add(values.map { Float($0).bitPattern.littleEndian })
      return Reference(id: id, type: kind)
    case .uint16:
      let defined = values.lazy.filter(\.isFinite)
      let (low, high) = (defined.min() ?? 0, defined.max() ?? 0)
      // Of the largest numbers halves: their difference is a number, too.
      let unit = (high - low).isFinite ? 1 : 0.5
      let steps = high > low ? 65534 / (high * unit - low * unit) : 0
      let rate = steps.isFinite ? steps : 0
      let codes = values.map {
        ($0.isFinite ? UInt16((($0 * unit - low * unit) * rate).rounded()) : UInt16.max)
          .littleEndian
      }
      return Reference(id: add(codes), type: kind, low: low, high: high)
    }
  }

  /// Adds a block of bytes.
  mutating func add(codes: [UInt8]) -> Codes { Codes(id: add(codes)) }

  private mutating func add<Number>(_ numbers: [Number]) -> Int {
    defer { count += 1 }
    let text = numbers.withUnsafeBytes { Data($0).base64EncodedData() }
    markup += Array("<script type=\"text/plain\" id=\"numbers-\(count)\">".utf8)
    markup += text
    markup += Array("</script>\n".utf8)
    return count
  }
}

extension Report {
  /// Bytes of base64 that numbers of maps may take as float32; beyond it they are written in 16 bits.
  static let limit = 10_000_000

  /// How many cells maps may have in all, so that the page stays below 15 MB: in 16 bits they take
  /// `limit` bytes of base64, and statuses half as much at most.
  public static let mostCells = limit / 8 * 3
}
