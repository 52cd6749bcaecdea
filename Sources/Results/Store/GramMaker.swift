import Activations
import CKA
import CPUKernels
import Device
import FoundationEssentials
import Support

/// Makes the Gram matrices of a model's minibatch and puts them into a file, some layers at a time.
struct GramMaker {
  let settings: SweepSettings
  /// Bytes that may be taken.
  let memory: Int
  /// All minibatches of the store.
  let plan: MinibatchPlan

  /// What the meter of a minibatch hears of its matrices and their norms.
  static func flops(_ minibatch: Minibatch) -> Double {
    let n = Double(minibatch.exampleCount)
    return minibatch.layers.reduce(0) { $0 + n * n * Double($1.featureCount + 1) }
  }

  /// Makes the matrices of minibatch `number` of the plan and writes them to `path`.
  func make<D: PackedDevice>(
    _ minibatch: Minibatch, number: Int, key: Digest, on device: D, path: String
  ) throws {
    let centering = settings.estimatorValue.centering
    let count = minibatch.layers.count
    func file(
      _ layers: [GramSummary], _ squares: [Double], _ float64: Set<Int> = []
    ) throws -> GramFile {
      GramFile(
        key: key, minibatch: number, exampleCount: minibatch.exampleCount, centering: centering,
        storePrecision: settings.storePrecision, precision: device.info.precision, layers: layers,
        float64Layers: float64, squares: squares, device: try deviceText(device.info.identity))
    }
    let none = GramSummary.empty(isFinite: true, isConstant: false)
    let blank = try file(
      Array(repeating: none, count: count), Array(repeating: 0, count: count))
    let start = blank.header.sealedSize

    let output = try NewFile(path)
    let hasher = Hasher64()
    var layers: [GramSummary] = []
    var squares: [Double] = []
    var float64: Set<Int> = []
    let atATime = layersAtATime(blank)
    let packed = StorableTriangles(layers: min(atATime, count), packedCount: blank.packedCount)
    defer { withExtendedLifetime(packed) {} }
    for first in stride(from: 0, to: count, by: atATime) {
      let part = first..<min(first + atATime, count)
      let made = try make(
        Minibatch(
          layers: Array(minibatch.layers[part]), examples: minibatch.examples,
          meter: minibatch.meter),
        centering: centering, on: device, into: packed)
      let bytes = packed.bytes(of: part.count, settings.storePrecision)
      hasher.update(bytes)
      try output.write(bytes, at: start + first * blank.layerSize)
      layers += made.layers
      squares += made.squares
      float64.formUnion(made.float64.map { first + $0 })
    }
    var header = try file(layers, squares, float64).header
    header.seal(numbersSize: count * blank.layerSize, numbersChecksum: hasher.checksum)
    try header.bytes.withUnsafeBytes { try output.write($0, at: 0) }
    try output.finish()
  }

  /// Makes the matrices of some layers; leaves the numbers, as they will be stored, in `packed`.
  private func make<D: PackedDevice>(
    _ minibatch: Minibatch, centering: GramCentering, on device: D, into packed: StorableTriangles
  ) throws -> (layers: [GramSummary], squares: [Double], float64: [Int]) {
    func squaredNorms(_ layers: [GramSummary]) throws -> [Double] {
      try device.squaredNorms(
        device.gramStack(
          of: PackedGrams(
            exampleCount: minibatch.exampleCount, centering: centering, layers: layers,
            numbers: layers.indices.map { UnsafePointer(packed.start(ofLayer: $0)) }, owner: packed)
        ))
    }
    var (layers, squares) = try float32(minibatch, centering: centering, on: device, into: packed)
    let doubtful = HSICSums.doubtfulLayers(
      layers, squares: squares, exampleCount: minibatch.exampleCount, centering: centering,
      precision: device.info.precision, plan: plan, kernel: settings.gramKernel)
    if !doubtful.isEmpty {
      let grams = NarrowedGrams(
        of: minibatch, kernel: settings.gramKernel, centering: centering,
        memory: memory - packed.size)
      minibatch.meter?.beginFloat64(grams.flops(ofLayers: doubtful))
      defer { minibatch.meter?.end() }
      for layer in doubtful {
        layers[layer] = try grams.write(layer: layer, to: packed.start(ofLayer: layer))
      }
      squares = try squaredNorms(layers)
    }
    guard settings.storePrecision == .float16 else { return (layers, squares, doubtful) }
    let exponents = packed.narrow(layers.count)
    for index in layers.indices { layers[index].exponent += exponents[index] }
    squares = try squaredNorms(layers)
    for index in layers.indices {
      // A number is off by a part of itself at most, and so is the matrix's norm.
      let own = layers[index].roundingNorm * power(of: -exponents[index])
      let part = settings.storePrecision.roundoff
      layers[index].roundingNorm = (own * own + part * part * squares[index]).squareRoot()
    }
    return (layers, squares, doubtful)
  }

  /// The matrices as the device makes them.
  private func float32<D: PackedDevice>(
    _ minibatch: Minibatch, centering: GramCentering, on device: D, into packed: StorableTriangles
  ) throws -> (layers: [GramSummary], squares: [Double]) {
    let stack = try device.gramStack(
      of: minibatch, kernel: settings.gramKernel, centering: centering)
    for layer in stack.layers.indices {
      try device.copyNumbers(ofLayer: layer, of: stack, to: packed[layer])
    }
    return (stack.layers, try device.squaredNorms(stack))
  }

  /// How many layers are made at once: the device's stack, the copy, and a Gram matrix or two.
  private func layersAtATime(_ file: GramFile) -> Int {
    max(memory / Self.leastMemory(packedCount: file.packedCount), 1)
  }

  /// Bytes that making one layer takes.
  static func leastMemory(packedCount: Int) -> Int { 5 * packedCount * MemoryLayout<Float>.size }

  private func power(of exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }

  private func deviceText(_ identity: DeviceIdentity) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(identity), as: UTF8.self)
  }
}

/// Packed Gram matrices of some layers, in float32 and, where they are stored so, in float16.
final class StorableTriangles: @unchecked Sendable {
  // @unchecked: threads divide the layers.
  private let packedCount: Int
  /// Bytes.
  let size: Int
  private let floats: PackedTriangles<Float>
  private let halves: PackedTriangles<UInt16>

  init(layers: Int, packedCount: Int) {
    self.packedCount = packedCount
    size = 6 * layers * packedCount
    floats = PackedTriangles(layers: layers, count: packedCount)
    // Not touched where nothing is narrowed.
    halves = PackedTriangles(layers: layers, count: packedCount)
  }

  /// The float32 numbers of a layer.
  subscript(layer: Int) -> UnsafeMutableBufferPointer<Float> { floats[layer] }

  /// Where the float32 numbers of a layer begin.
  func start(ofLayer layer: Int) -> UnsafeMutablePointer<Float> { floats.start(ofLayer: layer) }

  /// The numbers of the first `layers` layers as a file holds them.
  func bytes(
    of layers: Int, _ precision: SweepSettings.StorePrecision
  ) -> UnsafeRawBufferPointer {
    let start: UnsafeRawPointer =
      precision == .float32 ? UnsafeRawPointer(floats.start()) : UnsafeRawPointer(halves.start())
    return UnsafeRawBufferPointer(start: start, count: layers * packedCount * precision.size)
  }

  /// Rounds the first `layers` layers to float16, each with a power of two taken out that puts its
  /// largest number between 2¹⁴ and 2¹⁵, and widens them again; returns the exponents taken out.
  func narrow(_ layers: Int) -> [Int] {
    let exponents = UnsafeMutableBufferPointer<Int>.allocate(capacity: layers)
    defer { exponents.deallocate() }
    nonisolated(unsafe) let target = exponents
    perform(layers) { index in
      let (source, half) = (floats.start(ofLayer: index), halves.start(ofLayer: index))
      let largest = cka_largest_magnitude(source, packedCount)
      let exponent = largest > 0 ? Int(largest.exponent) - 14 : 0
      // A power of two beyond float32's comes with numbers that no Gram matrix is stored with.
      let factor = Float(sign: .plus, exponent: min(max(-exponent, -126), 127), significand: 1)
      cka_narrow(source, packedCount, factor, half)
      cka_widen(half, packedCount, source)
      target[index] = -Int(factor.exponent)
    }
    return Array(exponents)
  }
}
