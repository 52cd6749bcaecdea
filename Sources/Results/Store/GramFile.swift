import CPUKernels
import Device
import Glibc
import Support

/// What a file of Gram matrices must hold, as the other files of its store tell.
struct GramContents: Hashable, Sendable {
  /// What identifies the rows and settings the matrices are made of.
  let key: Digest
  /// Which minibatch of the plan, counted from 0.
  let minibatch: Int
  /// b: examples of the minibatch.
  let exampleCount: Int
  let layerCount: Int
  let centering: GramCentering
  let storePrecision: SweepSettings.StorePrecision
}

/// One model's centered Gram matrices of one minibatch, in a file.
///
/// After the common header (`BinaryHeader`): the key, 16 bytes; minibatch (from 0), examples, layers,
/// each 4; centering (0 unbiased, 1 biased), scalar type (0 float32, 1 float16), precision (0 exact, 1
/// compensated, 2 fast) and 0, each 1; then for every layer 40 bytes: exponent, flags (1 finite, 2
/// constant, 4 σ is there, 8 made in float64), ‖E‖, σ, ⟨K, K⟩; the device that made it, as text. The numbers:
/// for every layer the packed triangle, as `GramCentering` orders it.
struct GramFile: Sendable {
  static let kind = "CKAGRAM1"

  /// What identifies the rows and settings the matrices were made of.
  let key: Digest
  /// Which minibatch of the plan, counted from 0.
  let minibatch: Int
  let exampleCount: Int
  let centering: GramCentering
  let storePrecision: SweepSettings.StorePrecision
  /// How the device made products.
  let precision: Precision
  /// One summary a layer, in the units of the stored numbers.
  let layers: [GramSummary]
  /// Layers of which float32 left too little: made in float64, and rounded once they were centered.
  let float64Layers: Set<Int>
  /// ⟨K, K⟩ of every layer, of the numbers as they are stored.
  let squares: [Double]
  /// What made the matrices, as people read it.
  let device: String

  /// The layers as what made them left them: with the rounding norms of the device alone.
  ///
  /// Rounding to float16 turns a matrix by asin 2⁻¹¹ at most, whatever the data. That needs no estimate and
  /// makes no layer `low-precision`; what the device lost does, as it would in float32.
  var layersAsMade: [GramSummary] {
    zip(layers, squares).map { layer, square in
      var layer = layer
      let stored = storePrecision.roundoff * storePrecision.roundoff * square
      let norm = layer.roundingNorm
      layer.roundingNorm = max(norm * norm - stored, 0).squareRoot()
      return layer
    }
  }

  var packedCount: Int { centering.packedCount(exampleCount: exampleCount) }
  /// Bytes of one layer's numbers.
  var layerSize: Int { packedCount * storePrecision.size }

  /// What names of such files end with.
  static let ending = ".grams"

  /// The key in a file's name; nil where it is not one of these names.
  static func key(ofFile name: String) -> Digest? {
    name.hasSuffix(ending) ? Digest(hexadecimal: String(name.dropLast(ending.count))) : nil
  }

  /// The header of the file, without its checksums.
  var header: BinaryHeader {
    var header = BinaryHeader(kind: Self.kind)
    header.append(key)
    for number in [minibatch, exampleCount, layers.count] { header.append(UInt32(number)) }
    header.append(UInt8(Self.code(of: centering)))
    header.append(UInt8(Self.code(of: storePrecision)))
    header.append(UInt8(Precision.allCases.firstIndex(of: precision) ?? 0))
    header.append(UInt8(0))
    for (index, (layer, square)) in zip(layers, squares).enumerated() {
      header.append(Int64(layer.exponent))
      let flags: UInt64 =
        (layer.isFinite ? 1 : 0) | (layer.isConstant ? 2 : 0) | (layer.sigma != nil ? 4 : 0)
        | (float64Layers.contains(index) ? 8 : 0)
      header.append(flags)
      header.append(layer.roundingNorm)
      header.append(layer.sigma ?? 0)
      header.append(square)
    }
    header.append(device)
    return header
  }

  /// The most that a power of two of a layer's matrices can be, with much room: float64's exponents
  /// reach ±1,074, a product of two of them ±2,148.
  private static let largestExponent = 1 << 16

  /// Reads the header of a file that must hold `expected`.
  init(_ reader: BinaryReader, expected: GramContents) throws(StoreError) {
    var reader = reader
    key = try reader.nextDigest("key")
    guard key == expected.key else {
      throw reader.damaged(
        "key", found: key.hexadecimal, expected: expected.key.hexadecimal)
    }
    func only(_ value: Int) -> ClosedRange<Int> { value...value }
    minibatch = try reader.next("minibatch", as: UInt32.self, in: only(expected.minibatch))
    exampleCount = try reader.next("examples", as: UInt32.self, in: only(expected.exampleCount))
    let count = try reader.next("layers", as: UInt32.self, in: only(expected.layerCount))
    _ = try reader.next(
      "centering", as: UInt8.self, in: only(Self.code(of: expected.centering)))
    _ = try reader.next(
      "type of numbers", as: UInt8.self, in: only(Self.code(of: expected.storePrecision)))
    centering = expected.centering
    storePrecision = expected.storePrecision
    let precisions = Precision.allCases
    precision =
      precisions[
        try reader.next("precision", as: UInt8.self, in: 0...(precisions.count - 1))]
    _ = try reader.next("the byte after precision", as: UInt8.self, in: only(0))
    var layers: [GramSummary] = []
    var float64Layers: Set<Int> = []
    var squares: [Double] = []
    for index in 0..<count {
      let name = "layer \(index + 1)"
      let exponent = try reader.next(
        "\(name), exponent", as: Int64.self, in: -Self.largestExponent...Self.largestExponent)
      let flags = try reader.next("\(name), flags", as: UInt64.self, in: 0...15)
      let rounding = try reader.nextMagnitude("\(name), ‖E‖")
      // The bandwidth of a layer without values may be infinite, which is why it has none.
      let sigma = try reader.nextMagnitude("\(name), σ", isFinite: flags & 1 != 0)
      squares.append(try reader.nextMagnitude("\(name), ⟨K, K⟩"))
      layers.append(
        GramSummary(
          exponent: exponent, isFinite: flags & 1 != 0, isConstant: flags & 2 != 0,
          roundingNorm: rounding, sigma: flags & 4 != 0 ? sigma : nil))
      if flags & 8 != 0 { float64Layers.insert(index) }
    }
    device = try reader.nextText("device")
    self.layers = layers
    self.float64Layers = float64Layers
    self.squares = squares
    let (size, overflow) = layerSize.multipliedReportingOverflow(by: count)
    guard !overflow, reader.numbers.count == size else {
      throw reader.damaged(
        "numbers", found: "\(reader.numbers.count) bytes",
        expected: "\(count) layers of \(layerSize)")
    }
  }

  private static func code(of centering: GramCentering) -> Int { centering == .unbiased ? 0 : 1 }

  private static func code(of precision: SweepSettings.StorePrecision) -> Int {
    precision == .float32 ? 0 : 1
  }

  init(
    key: Digest, minibatch: Int, exampleCount: Int, centering: GramCentering,
    storePrecision: SweepSettings.StorePrecision, precision: Precision, layers: [GramSummary],
    float64Layers: Set<Int> = [], squares: [Double], device: String
  ) {
    self.key = key
    self.minibatch = minibatch
    self.exampleCount = exampleCount
    self.centering = centering
    self.storePrecision = storePrecision
    self.precision = precision
    self.layers = layers
    self.float64Layers = float64Layers
    self.squares = squares
    self.device = device
  }
}

/// The numbers of a Gram file, mapped.
final class StoredGrams: @unchecked Sendable {
  // @unchecked: the pointer leads into `mapped`, which nobody writes.
  let file: GramFile
  private let mapped: Mapping
  private let firstNumber: UnsafeRawPointer

  /// Maps the file at `path`.
  ///
  /// - Parameters:
  ///   - expected: what the file must hold.
  ///   - isChecked: whether the numbers' checksum is looked at, too.
  /// - Throws: `.data` where the file is damaged or holds something else, `.noInput` where there is none.
  init(_ path: String, expected: GramContents, isChecked: Bool) throws(StoreError) {
    mapped = try mapFile(path)
    let reader = try BinaryReader(mapped.bytes, kind: GramFile.kind, path: path)
    file = try GramFile(reader, expected: expected)
    guard let start = reader.numbers.baseAddress else {
      throw reader.damaged("numbers", found: "none", expected: "some")
    }
    if isChecked { try reader.checkNumbers() }
    firstNumber = start
  }

  /// The packed numbers of `layers`: float32 memory-mapped and not copied, float16 widened into `memory`.
  func numbers(
    of layers: Range<Int>, widenedInto memory: UnsafeMutablePointer<Float>?
  ) -> [UnsafePointer<Float>] {
    let count = file.packedCount
    let places = layers.map { firstNumber + $0 * file.layerSize }
    guard let memory else { return places.map { $0.assumingMemoryBound(to: Float.self) } }
    nonisolated(unsafe) let target = memory
    nonisolated(unsafe) let sources = places
    perform(layers.count) { index in
      cka_widen(
        sources[index].assumingMemoryBound(to: UInt16.self), count, target + index * count)
    }
    return layers.indices.map { UnsafePointer(memory + ($0 - layers.lowerBound) * count) }
  }
}
