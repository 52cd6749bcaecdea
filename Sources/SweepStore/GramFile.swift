import CPUKernels
import Device
import Foundation
import Support

/// One model's centered Gram matrices of one minibatch, in a file.
///
/// After the common header (`BinaryHeader`): the key, 16 bytes; minibatch (from 0), examples, layers,
/// each 4; centering (0 unbiased, 1 biased), scalar type (0 float32, 1 float16), precision (0 exact, 1
/// compensated, 2 fast) and 0, each 1; then for every layer 40 bytes: exponent, flags (1 finite, 2
/// constant, 4 σ is there), ‖E‖, σ, ⟨K, K⟩; the device that made it, as text. The numbers: for every
/// layer the packed triangle, as `GramCentering` orders it.
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
  /// ⟨K, K⟩ of every layer, of the numbers as they are stored.
  let squares: [Double]
  /// What made the matrices, as people read it.
  let device: String

  var packedCount: Int { centering.packedCount(exampleCount: exampleCount) }
  /// Bytes of one layer's numbers.
  var layerSize: Int { packedCount * storePrecision.size }

  /// The header of the file, without its checksums.
  var header: BinaryHeader {
    var header = BinaryHeader(kind: Self.kind)
    header.append(key)
    for number in [minibatch, exampleCount, layers.count] { header.append(UInt32(number)) }
    header.append(UInt8(centering == .unbiased ? 0 : 1))
    header.append(UInt8(storePrecision == .float32 ? 0 : 1))
    header.append(UInt8(Precision.allCases.firstIndex(of: precision) ?? 0))
    header.append(UInt8(0))
    for (layer, square) in zip(layers, squares) {
      header.append(Int64(layer.exponent))
      let flags: UInt64 =
        (layer.isFinite ? 1 : 0) | (layer.isConstant ? 2 : 0) | (layer.sigma != nil ? 4 : 0)
      header.append(flags)
      header.append(layer.roundingNorm)
      header.append(layer.sigma ?? 0)
      header.append(square)
    }
    header.append(device)
    return header
  }

  /// Reads the header; nil where it is damaged.
  init?(_ reader: BinaryReader) {
    var reader = reader
    guard let key = reader.nextDigest(), let minibatch = reader.next(UInt32.self),
      let examples = reader.next(UInt32.self), let count = reader.next(UInt32.self),
      let centering = reader.next(UInt8.self), let scalar = reader.next(UInt8.self),
      let precision = reader.next(UInt8.self), reader.next(UInt8.self) == 0,
      centering <= 1, scalar <= 1, precision < Precision.allCases.count
    else { return nil }
    self.key = key
    self.minibatch = Int(minibatch)
    exampleCount = Int(examples)
    self.centering = centering == 0 ? .unbiased : .biased
    storePrecision = scalar == 0 ? .float32 : .float16
    self.precision = Precision.allCases[Int(precision)]
    var layers: [GramSummary] = []
    var squares: [Double] = []
    for _ in 0..<count {
      guard let exponent = reader.next(Int64.self), let flags = reader.next(UInt64.self),
        let rounding = reader.nextDouble(), let sigma = reader.nextDouble(),
        let square = reader.nextDouble()
      else { return nil }
      layers.append(
        GramSummary(
          exponent: Int(exponent), isFinite: flags & 1 != 0, isConstant: flags & 2 != 0,
          roundingNorm: rounding, sigma: flags & 4 != 0 ? sigma : nil))
      squares.append(square)
    }
    guard let device = reader.nextText() else { return nil }
    self.layers = layers
    self.squares = squares
    self.device = device
    guard reader.numbers.count == layers.count * layerSize else { return nil }
  }

  init(
    key: Digest, minibatch: Int, exampleCount: Int, centering: GramCentering,
    storePrecision: SweepSettings.StorePrecision, precision: Precision, layers: [GramSummary],
    squares: [Double], device: String
  ) {
    self.key = key
    self.minibatch = minibatch
    self.exampleCount = exampleCount
    self.centering = centering
    self.storePrecision = storePrecision
    self.precision = precision
    self.layers = layers
    self.squares = squares
    self.device = device
  }
}

/// The numbers of a Gram file, mapped.
final class StoredGrams: @unchecked Sendable {
  // @unchecked: the pointer leads into `mapped`, which nobody writes.
  let file: GramFile
  private let mapped: MappedBytes
  private let firstNumber: UnsafeRawPointer

  /// Maps the file at `path`, which must hold the matrices of `key`.
  ///
  /// - Parameter isChecked: whether the numbers' checksum is looked at, too.
  /// - Throws: `.data` where the file is damaged, `.noInput` where there is none.
  init(_ path: String, key: Digest, isChecked: Bool) throws(StoreError) {
    mapped = try MappedBytes(path)
    guard let reader = BinaryReader(mapped.bytes, kind: GramFile.kind),
      let file = GramFile(reader), file.key == key, let start = reader.numbers.baseAddress
    else { throw StoreError(.data, path, "is damaged: expected whole Gram matrices") }
    if isChecked, !reader.numbersAreWhole {
      throw StoreError(.data, path, "is damaged: its checksum is another")
    }
    self.file = file
    firstNumber = start
  }

  /// The packed numbers of `layers`: float32 where they lie, float16 widened into `memory`.
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
