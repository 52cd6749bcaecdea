import Activations
import BLASDevice
import Device
import Foundation

/// The CPU under another name, which waits for others before it begins, and fails at some call.
public struct ScriptedDevice: CrossCovarianceDevice, PackedDevice {
  private let cpu = BLASDevice()
  /// What it calls itself.
  public let id: String
  /// Calls of `gramStack` that succeed.
  private let succeeds: Int
  /// What is wrong with the others.
  private let kind: DeviceError.Kind
  /// Whom it waits for, by the number of the call of `gramStack`.
  private var meetings: [Int: Meeting]
  /// The calls of `gramStack` so far.
  public let calls = Calls()

  /// The first `succeeds` calls of `gramStack` succeed, all others fail with an error of `kind`.
  ///
  /// - Parameters:
  ///   - meeting: whom the first call waits for.
  ///   - meetings: whom others wait for, by their number.
  public init(
    _ id: String, succeeds: Int = .max, kind: DeviceError.Kind = .failed, meeting: Meeting? = nil,
    meetings: [Int: Meeting] = [:]
  ) {
    self.id = id
    self.succeeds = succeeds
    self.kind = kind
    self.meetings = meetings
    if let meeting { self.meetings[1] = meeting }
  }

  /// A number of calls.
  public final class Calls: @unchecked Sendable {
    // @unchecked: one thread uses a device.
    /// The number.
    public fileprivate(set) var count = 0
  }

  /// The CPU's but for `id`.
  public var info: DeviceInfo {
    var info = cpu.info
    info.id = id
    return info
  }

  /// Waits, then fails or computes.
  public func gramStack(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering
  ) throws(DeviceError) -> BLASGramStack {
    calls.count += 1
    meetings[calls.count]?.join()
    guard calls.count <= succeeds else {
      throw DeviceError(
        kind: kind, code: .init(rawValue: -36), call: "clFinish", context: "\(id) is lost")
    }
    return try cpu.gramStack(of: minibatch, kernel: kernel, centering: centering)
  }

  /// As the CPU.
  public func innerProducts(
    _ left: BLASGramStack, _ right: BLASGramStack
  ) throws(DeviceError) -> Matrix<Double> {
    try cpu.innerProducts(left, right)
  }

  /// As the CPU.
  public func squaredNorms(_ stack: BLASGramStack) throws(DeviceError) -> [Double] {
    try cpu.squaredNorms(stack)
  }

  /// As the CPU.
  public func prepareTiles(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    division: TileDivision, observe: () -> Void
  ) throws(DeviceError) -> BLASDevice.TiledInput {
    try cpu.prepareTiles(
      of: minibatch, kernel: kernel, centering: centering, division: division, observe: observe)
  }

  /// As the CPU.
  public func gramStack(
    of tiles: BLASDevice.TiledInput, layers: [Int], rows: Range<Int>, columns: Range<Int>
  ) throws(DeviceError) -> BLASGramStack {
    try cpu.gramStack(of: tiles, layers: layers, rows: rows, columns: columns)
  }

  /// As the CPU.
  public func crossCovarianceNorms(
    _ left: BLASDevice.TiledInput, _ right: BLASDevice.TiledInput, pairs: [LayerPair]
  ) throws(DeviceError) -> [Double] {
    try cpu.crossCovarianceNorms(left, right, pairs: pairs)
  }

  /// As the CPU.
  public func copyNumbers(
    ofLayer layer: Int, of stack: BLASGramStack,
    to destination: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError) {
    try cpu.copyNumbers(ofLayer: layer, of: stack, to: destination)
  }

  /// As the CPU.
  public func gramStack(of packed: PackedGrams) throws(DeviceError) -> BLASGramStack {
    try cpu.gramStack(of: packed)
  }
}

/// Where so many threads wait for each other: each of them has then begun.
public final class Meeting: @unchecked Sendable {
  // @unchecked: `missing` changes only while `condition` is locked.
  private let condition = NSCondition()
  private var missing: Int

  /// A meeting of `count` threads.
  public init(_ count: Int) { missing = count }

  /// Returns when all are here.
  public func join() {
    condition.lock()
    missing -= 1
    condition.broadcast()
    while missing > 0 { condition.wait() }
    condition.unlock()
  }
}
