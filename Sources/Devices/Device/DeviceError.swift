import Activations
import Support

/// Why a device could not do what it was asked.
public struct DeviceError: Error, Sendable, Hashable {
  /// The status code of the library below, kept as it came: unknown codes survive.
  public struct Code: RawRepresentable, Sendable, Hashable {
    /// The number, as the library gave it.
    public let rawValue: Int32
    /// The code `rawValue`.
    public init(rawValue: Int32) { self.rawValue = rawValue }
  }

  /// What a caller can do about it.
  public enum Kind: Sendable, Hashable {
    /// Less work at a time, or another device, may succeed.
    case outOfMemory
    /// The device or its driver failed: another device may succeed.
    case failed
    /// The activations could not be read: no other device can either.
    case input
    /// No such device.
    case notFound
    /// The device cannot do this at all.
    case unsupported
    /// The caller wanted the work to end.
    case cancelled
  }

  /// What a caller can do about it.
  public var kind: Kind
  /// The failing call's status code, where there is one.
  public var code: Code?
  /// The call that failed, for example `clEnqueueNDRangeKernel`.
  public var call: String
  /// Whether the activations could not be read because their file is damaged.
  public private(set) var isOfDamagedFile = false
  /// What was being done, and the library's own words, such as a compiler's log.
  public var context: String

  /// See the properties.
  public init(kind: Kind, code: Code? = nil, call: String, context: String) {
    self.kind = kind
    self.code = code
    self.call = call
    self.context = context
  }
}

extension DeviceError: FailureConvertible {
  /// The end of a command whose last device failed, or whose activations cannot be read.
  public var failure: Failure {
    kind == .input
      ? Failure(isOfDamagedFile ? .data : .io, context) : Failure(.software, oneLine(description))
  }
}

extension DeviceError {
  /// Activations that cannot be read any more.
  public init(_ error: ActivationReadError) {
    self.init(kind: .input, call: "reading activations", context: error.description)
    isOfDamagedFile = error.isDamaged
  }
}

extension DeviceError {
  /// Throws where a caller asks for what has no meaning: stacks of other examples, or of another device.
  package static func check(
    _ isRight: Bool, _ call: StaticString, _ context: @autoclosure () -> String
  ) throws(DeviceError) {
    guard !isRight else { return }
    throw DeviceError(kind: .unsupported, call: "\(call)", context: context())
  }

  /// Throws where there are no layers, or too few examples for an estimator.
  package static func check(
    _ minibatch: Minibatch, for centering: GramCentering, _ call: StaticString
  ) throws(DeviceError) {
    try check(!minibatch.layers.isEmpty, call, "a minibatch without layers")
    try check(
      minibatch.exampleCount >= centering.leastExamples, call,
      "\(minibatch.exampleCount) examples, expected at least \(centering.leastExamples)")
  }

  /// Throws where a median is asked for of fewer examples than have a distance.
  package static func check(_ kernel: GramKernel, _ call: StaticString) throws(DeviceError) {
    guard case .rbf(.sampledMedianMultiple(_, let count)) = kernel else { return }
    try check(count >= 2, call, "a median of \(count) examples, expected 2 at least")
  }

  /// Throws where the tiles that a kernel's passes make would have no examples.
  package static func check(
    _ division: TileDivision, for kernel: GramKernel, _ call: StaticString
  ) throws(DeviceError) {
    let least = kernel == .linear ? 0 : 1
    try check(
      division.side >= least, call,
      "tiles of \(division.side) examples, expected at least \(least)")
  }

  /// Throws where there is no such tile on or below the diagonal of a matrix of `exampleCount` examples, or
  /// one of `layers` is none of `layerCount`.
  package static func checkTile(
    _ rows: Range<Int>, _ columns: Range<Int>, of exampleCount: Int, layers: [Int],
    of layerCount: Int
  ) throws(DeviceError) {
    try check(
      rows == columns || columns.upperBound <= rows.lowerBound, "gramStack",
      "a tile above the diagonal")
    try check(
      columns.lowerBound >= 0 && rows.upperBound <= exampleCount && !rows.isEmpty
        && !columns.isEmpty, "gramStack",
      "a tile of the examples \(rows) and \(columns), expected some of \(exampleCount)")
    try check(!layers.isEmpty, "gramStack", "a tile of no layers")
    let other = layers.first { !(0..<layerCount).contains($0) }
    try check(
      other == nil, "gramStack", "the layer \(other ?? 0), expected one of \(layerCount)")
  }

  /// Throws where a pair's layers are none of so many.
  package static func check(
    _ pairs: [LayerPair], left: Int, right: Int, _ call: StaticString
  ) throws(DeviceError) {
    let other = pairs.first { !(0..<left).contains($0.left) || !(0..<right).contains($0.right) }
    try check(
      other == nil, call,
      "the layers \(other?.left ?? 0) and \(other?.right ?? 0), expected some of \(left) and \(right)"
    )
  }
}

extension DeviceError: CustomStringConvertible {
  /// One sentence, with the code where there is one; a compiler's log follows on its own lines.
  public var description: String {
    let status = code.map { " (status \($0.rawValue))" } ?? ""
    return "\(call) failed\(status): \(context)"
  }
}
