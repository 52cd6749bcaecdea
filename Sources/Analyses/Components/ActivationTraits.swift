import Activations
import CPUKernels
import Support

/// What is counted of one layer's stored numbers, before any pooling.
public struct ActivationTraits: Sendable {
  /// How many of all numbers are 0.
  public let zeroFraction: Double
  /// ‖xᵢ‖ of each example, in units of the activations; NaN or infinite where a number is.
  public let norms: [Double]

  /// The traits of `examples` of each layer; all numbers are read once, on all cores.
  public static func traits(
    of layers: [LayerActivations], examples: [Int]
  ) throws(ActivationReadError) -> [ActivationTraits] {
    let results = concurrentMap(0..<layers.count) { index in
      Result { () throws(ActivationReadError) in
        try ActivationTraits(layers[index], examples: examples)
      }
    }
    var traits: [ActivationTraits] = []
    for result in results { traits.append(try result.get()) }
    return traits
  }

  private init(_ layer: LayerActivations, examples: [Int]) throws(ActivationReadError) {
    let count = layer.shape.featureCount
    var zeros = 0
    var norms: [Double] = []
    norms.reserveCapacity(examples.count)
    try layer.withRows(of: examples) { start, featureStride in
      func sums(scale: Double) -> (square: Double, zeros: Int) {
        Self.sums(
          start, stride: featureStride, count: count, layer.scalarType,
          isSwapped: layer.isByteSwapped, scale: scale)
      }
      let (square, ofRow) = sums(scale: 1)
      zeros += ofRow
      if square < 0x1p-900 && ofRow < count || square == .infinity {
        // Squares beyond float64's range, of numbers within it.
        let scale = square == .infinity ? 0x1p-600 : 0x1p600
        norms.append(sums(scale: scale).square.squareRoot() / scale)
      } else {
        norms.append(square.squareRoot())
      }
    }
    layer.evict()
    zeroFraction = Double(zeros) / Double(max(count * examples.count, 1))
    self.norms = norms
  }

  /// Σ(scale·x)² and how many are 0.
  private static func sums(
    _ start: UnsafeRawPointer, stride: Int, count: Int, _ type: ScalarType, isSwapped: Bool,
    scale: Double
  ) -> (square: Double, zeros: Int) {
    if stride == type.size, !isSwapped, scale == 1 {
      switch type {
      case .float32: return floatSums(start, count: count)
      case .float16: return halfSums(start, count: count)
      default: break
      }
    }
    var (square, zeros) = (0.0, 0)
    type.forEachNumber(from: start, stride: stride, count: count, isSwapped: isSwapped) {
      square += (scale * $1) * (scale * $1)
      zeros += $1 == 0 ? 1 : 0
    }
    return (square, zeros)
  }

  /// The same of float16 numbers that lie one after another, in runs that stay in the cache.
  private static func halfSums(
    _ start: UnsafeRawPointer, count: Int
  ) -> (square: Double, zeros: Int) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2048) { room in
      guard let numbers = room.baseAddress else { return (0, 0) }
      var (square, zeros) = (0.0, 0)
      for first in stride(from: 0, to: count, by: room.count) {
        let length = min(room.count, count - first)
        cka_widen(
          (start + 2 * first).assumingMemoryBound(to: UInt16.self), length, numbers)
        let part = floatSums(UnsafeRawPointer(numbers), count: length)
        square += part.square
        zeros += part.zeros
      }
      return (square, zeros)
    }
  }

  /// The same of float32 numbers, eight at a time.
  private static func floatSums(
    _ start: UnsafeRawPointer, count: Int
  ) -> (square: Double, zeros: Int) {
    var (squares, found) = (SIMD8<Double>(), SIMD8<Int32>())
    for first in stride(from: 0, to: count - 7, by: 8) {
      let numbers = start.loadUnaligned(fromByteOffset: 4 * first, as: SIMD8<Float>.self)
      let wide = SIMD8<Double>(numbers)
      squares += wide * wide
      found.replace(with: found &+ 1, where: numbers .== 0)
    }
    var (square, zeros) = (squares.sum(), Int(found.wrappedSum()))
    for index in count / 8 * 8..<count {
      let number = start.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
      square += Double(number) * Double(number)
      zeros += number == 0 ? 1 : 0
    }
    return (square, zeros)
  }
}
