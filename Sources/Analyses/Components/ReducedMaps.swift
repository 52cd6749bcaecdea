import Activations
import CKA
import Device
import Support

/// Maps of the matrices of one run without some examples and components.
struct ReducedMaps<D: PackedDevice> {
  private let left: Model
  /// Nil where the first model is looked at alone.
  private let right: Model?
  private let comparison: Comparison
  private let device: D

  private var centering: GramCentering { comparison.estimator.centering }

  init(
    _ analysis: ComponentAnalysis, grams: ComponentAnalysis.Grams, _ leftPairs: [Eigenpairs],
    _ rightPairs: [Eigenpairs]?, on device: D
  ) {
    self.device = device
    comparison = analysis.comparison(analysis.estimator)
    let count = comparison.estimator.centering.packedCount(exampleCount: analysis.pairing.count)
    left = Model(grams.left, leftPairs, count: count)
    right = rightPairs.map { Model(grams.right, $0, count: count) }
  }

  /// The sums of some of the examples, in ascending order, without the first `count` components.
  func sums(of examples: [Int], removing count: Int) throws(DeviceError) -> HSICSums {
    func stack(_ model: Model) throws(DeviceError) -> D.Stack {
      let summaries = model.reduce(
        to: examples, removing: count, centering, meter: comparison.meter)
      return try device.gramStack(
        of: PackedGrams(
          exampleCount: examples.count, centering: centering, layers: summaries,
          numbers: summaries.indices.map { UnsafePointer(model.numbers.start(ofLayer: $0)) },
          owner: model.numbers, meter: comparison.meter))
    }
    let leftStack = try stack(left)
    let rightStack = try right.map { (right) throws(DeviceError) in try stack(right) }
    return try comparison.sums(leftStack, rightStack, of: examples.count, on: device)
  }

  /// The mean of the map of some of the examples, in ascending order, which is not made for it; NaN of a map
  /// without values.
  ///
  /// With K̂ = K/‖K‖ the cells of two models add up to Σᵢⱼ ⟨K̂ᵢ, L̂ⱼ⟩ = ⟨Σᵢ K̂ᵢ, Σⱼ L̂ⱼ⟩: one inner product in place of all.
  /// Of one model's m layers those off the diagonal do to ‖Σᵢ K̂ᵢ‖² − m, each pair twice.
  func mean(of examples: [Int]) -> Double {
    let own = weights(of: left, examples)
    let count = centering.packedCount(exampleCount: examples.count)
    guard let right else {
      let m = Double(own.count { $0 > 0 })
      guard m > 1 else { return .nan }
      return (product(count) { left.add(own, $0, to: $1) } - m) / (m * (m - 1))
    }
    let others = weights(of: right, examples)
    let pairs = own.count { $0 > 0 } * others.count { $0 > 0 }
    let sum = product(count) {
      left.add(own, $0, to: $1)
    } with: {
      right.add(others, $0, to: $1)
    }
    return sum / Double(pairs)
  }

  /// 1/‖K‖ of each layer; 0 of one without values, whose matrix is left out.
  private func weights(of model: Model, _ examples: [Int]) -> [Double] {
    let summaries = model.reduce(to: examples, removing: 0, centering, meter: comparison.meter)
    let count = centering.packedCount(exampleCount: examples.count)
    let squares = concurrentMap(0..<summaries.count) {
      model.squaredNorm(ofLayer: $0, count: count)
    }
    let sums = HSICSums(
      exampleCount: examples.count, centering: centering, left: summaries, right: [],
      products: Matrix(rows: summaries.count, columns: 0, elements: []), leftSquares: squares,
      rightSquares: [], precision: device.info.precision)
    return zip(sums.left, squares).map { layer, square in
      sums.status(of: layer) == .ok ? 1 / square.squareRoot() : 0
    }
  }

  /// ⟨S, T⟩ of sums over layers, of `count` numbers; T is S where nothing is said of it.
  ///
  /// Runs of numbers do not depend on the number of cores, and with them no bit of the result.
  private func product(
    _ count: Int, _ add: @Sendable (Range<Int>, UnsafeMutablePointer<Double>) -> Void,
    with other: (@Sendable (Range<Int>, UnsafeMutablePointer<Double>) -> Void)? = nil
  ) -> Double {
    let size = 4096
    let parts = concurrentMap(0..<((count + size - 1) / size)) { part in
      let numbers = (part * size)..<min((part + 1) * size, count)
      let room = UnsafeMutablePointer<Double>.allocate(capacity: 2 * size)
      defer { room.deallocate() }
      room.initialize(repeating: 0, count: 2 * size)
      add(numbers, room)
      guard let other else { return dot(room, room, numbers.count) }
      other(numbers, room + size)
      return dot(room, room + size, numbers.count)
    }
    return parts.reduce(0, +)
  }
}

/// One model's matrices, and room for what is left of them.
private struct Model: Sendable {
  let grams: [HCenteredGram]
  let pairs: [Eigenpairs]
  let numbers: PackedTriangles<Float>

  /// - Parameter count: the numbers of a matrix of all examples.
  init(_ grams: [HCenteredGram], _ pairs: [Eigenpairs], count: Int) {
    (self.grams, self.pairs) = (grams, pairs)
    numbers = PackedTriangles(layers: grams.count, count: count)
  }

  /// Writes all matrices of some examples without the first `count` components.
  func reduce(
    to examples: [Int], removing count: Int, _ centering: GramCentering, meter: WorkMeter?
  ) -> [GramSummary] {
    concurrentMap(0..<grams.count) { layer in
      defer { meter?.add(ComponentAnalysis.flopsOfReduction(examples.count)) }
      let room = numbers.start(ofLayer: layer)
      guard grams[layer].exists else {
        room.update(repeating: 0, count: centering.packedCount(exampleCount: examples.count))
        return grams[layer].summary
      }
      return grams[layer].reduce(
        to: examples, removing: count, of: pairs[layer], centering: centering, into: room)
    }
  }

  /// ‖K‖² of the first `count` numbers written.
  func squaredNorm(ofLayer layer: Int, count: Int) -> Double {
    let numbers = UnsafeRawPointer(numbers.start(ofLayer: layer))
    var sums = SIMD8<Double>()
    for start in stride(from: 0, to: count - 7, by: 8) {
      let part = numbers.loadUnaligned(fromByteOffset: 4 * start, as: SIMD8<Float>.self)
      sums += SIMD8<Double>(part) * SIMD8<Double>(part)
    }
    return (count / 8 * 8..<count).reduce(sums.sum()) { sum, index in
      let number = Double(numbers.load(fromByteOffset: 4 * index, as: Float.self))
      return sum + number * number
    }
  }

  /// Adds a run of the numbers of every layer, each times its weight, to `sums`.
  func add(_ weights: [Double], _ run: Range<Int>, to sums: UnsafeMutablePointer<Double>) {
    for (layer, weight) in weights.enumerated() where weight > 0 {
      let source = numbers.start(ofLayer: layer) + run.lowerBound
      for index in 0..<run.count { sums[index] += weight * Double(source[index]) }
    }
  }
}

/// Σaᵢbᵢ.
private func dot(
  _ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, _ count: Int
) -> Double {
  (0..<count).reduce(0) { $0 + a[$1] * b[$1] }
}
