import Activations
import Device

/// The Gram matrices of one minibatch of a model, made layer by layer while the network runs: of a layer nothing is
/// kept but its packed triangle, b(b − 1)/2 float32 numbers for b examples.
public struct MinibatchGrams: Sendable {
  /// What fills the Gram matrices.
  public let kernel: GramKernel
  /// The layers so far.
  public private(set) var layers: [StreamedLayer] = []
  /// Examples of the minibatch; 0 before the first layer.
  public private(set) var exampleCount = 0
  private var summaries: [GramSummary] = []
  private var triangles: [PackedTriangles<Float>] = []

  private static let centering = GramCentering.unbiased

  /// No layer has come.
  public init(kernel: GramKernel = .linear) { self.kernel = kernel }

  /// Makes the matrix of a layer: all of its examples. Its numbers are no longer needed afterwards.
  ///
  /// - Parameters:
  ///   - layer: its numbers, of the same examples as the layers before.
  ///   - team: does the work.
  /// - Throws: `ComparisonError` where a layer of the name is there, there are other examples than of the layers
  ///   before, or other than 4 to 65,535; the error of the last device.
  public mutating func add(_ layer: LayerActivations, on team: DeviceTeam) throws {
    let n = layer.shape.exampleCount
    try check(layer.name, n, on: team)
    let triangle = PackedTriangles<Float>(count: Self.centering.packedCount(exampleCount: n))
    let minibatch = Minibatch(layers: [layer], examples: Array(0..<n))
    let summary = try team.withPackedDevice { (device) throws(DeviceError) in
      try Self.write(minibatch, kernel, to: triangle, on: device)
    }
    add(StreamedLayer(layer), summary, triangle, n)
  }

  /// Centers the matrix of a layer that was made elsewhere. Its numbers are no longer needed afterwards.
  ///
  /// - Parameters:
  ///   - gram: the matrix, of the same examples as the layers before.
  ///   - team: its memory is what the matrices may take.
  /// - Throws: as `add(_:on:)` of a layer; `ComparisonError` where the kernel is not linear.
  public mutating func add(_ gram: PrecomputedGram, on team: DeviceTeam) throws {
    guard kernel == .linear else {
      throw ComparisonError(
        "layer \(gram.name): a matrix that was made elsewhere is one of the linear kernel")
    }
    let n = gram.exampleCount
    try check(gram.name, n, on: team)
    let triangle = PackedTriangles<Float>(count: Self.centering.packedCount(exampleCount: n))
    let summary = gram.center(into: triangle[0])
    add(StreamedLayer(gram), summary, triangle, n)
  }

  private func check(_ name: String, _ n: Int, on team: DeviceTeam) throws {
    guard !layers.contains(where: { $0.name == name }) else {
      throw ComparisonError("layer \(name) is there already")
    }
    guard layers.isEmpty || n == exampleCount else {
      throw ComparisonError(
        "layer \(name) has \(n) examples, expected \(exampleCount) as the others")
    }
    try Self.check(n, "layer \(name)", layers: layers.count + 1, on: team)
  }

  private mutating func add(
    _ layer: StreamedLayer, _ summary: GramSummary, _ triangle: PackedTriangles<Float>, _ n: Int
  ) {
    layers.append(layer)
    summaries.append(summary)
    triangles.append(triangle)
    exampleCount = n
  }

  /// Refuses fewer examples than HSIC needs, and more than matrices of `layers` layers have room for.
  static func check(_ count: Int, _ place: String, layers: Int, on team: DeviceTeam) throws {
    guard count >= centering.leastExamples else {
      throw ComparisonError(
        "\(place) has \(count) \(count == 1 ? "example" : "examples"); HSIC needs at least 4")
    }
    let most = GramKernel.mostExamplesOfOneMatrix
    guard count <= most else {
      throw ComparisonError("\(place) has \(count) examples; a minibatch has at most \(most)")
    }
    let bytes = layers * centering.packedCount(exampleCount: count) * MemoryLayout<Float>.size
    do throws(DeviceTeam.MemoryShortage) {
      try team.checkMemory { _ in bytes }
    } catch { throw DeviceError(error, call: "the Gram matrices of \(place)") }
  }

  private static func write<D: PackedDevice>(
    _ minibatch: Minibatch, _ kernel: GramKernel, to triangle: PackedTriangles<Float>,
    on device: D
  ) throws(DeviceError) -> GramSummary {
    let stack = try device.gramStack(of: minibatch, kernel: kernel, centering: centering)
    try device.copyNumbers(ofLayer: 0, of: stack, to: triangle[0])
    return stack.layers[0]
  }

  /// The matrices as devices take them.
  private var packed: PackedGrams {
    PackedGrams(
      exampleCount: exampleCount, centering: Self.centering, layers: summaries,
      numbers: triangles.map { UnsafePointer($0.start()) }, owner: Owner(triangles))
  }

  /// What keeps the numbers alive.
  private final class Owner {
    private let triangles: [PackedTriangles<Float>]

    init(_ triangles: [PackedTriangles<Float>]) { self.triangles = triangles }
  }

  /// The sums of a minibatch of two models, or of one with itself.
  func sums<D: PackedDevice>(
    with other: MinibatchGrams?, on device: D
  ) throws(DeviceError) -> HSICSums {
    let left = try device.gramStack(of: packed)
    let right = try other.map { (other) throws(DeviceError) in
      try device.gramStack(of: other.packed)
    }
    return try HSICSums(
      left, right, exampleCount: exampleCount, centering: Self.centering, on: device)
  }
}
