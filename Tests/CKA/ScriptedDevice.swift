import Activations
import BLASDevice
import Device
import Foundation

/// The CPU under another name, which waits for others before it begins, and fails at some call.
struct ScriptedDevice: CrossCovarianceDevice, PackedDevice {
  private let cpu = BLASDevice()
  let id: String
  /// Calls of `gramStack` that succeed.
  var succeeds = Int.max
  var kind = DeviceError.Kind.failed
  /// Whom it waits for, by the number of the call of `gramStack`.
  var meetings: [Int: Meeting]
  let calls = Calls()

  init(
    _ id: String, succeeds: Int = .max, kind: DeviceError.Kind = .failed, meeting: Meeting? = nil,
    meetings: [Int: Meeting] = [:]
  ) {
    self.id = id
    self.succeeds = succeeds
    self.kind = kind
    self.meetings = meetings
    if let meeting { self.meetings[1] = meeting }
  }

  final class Calls: @unchecked Sendable {
    // @unchecked: one thread uses a device.
    var count = 0
  }

  var info: DeviceInfo {
    var info = cpu.info
    info.id = id
    return info
  }

  func gramStack(
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

  func innerProducts(
    _ left: BLASGramStack, _ right: BLASGramStack
  ) throws(DeviceError) -> Matrix<Double> {
    try cpu.innerProducts(left, right)
  }

  func squaredNorms(_ stack: BLASGramStack) throws(DeviceError) -> [Double] {
    try cpu.squaredNorms(stack)
  }

  func prepareTiles(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    division: TileDivision, observe: () -> Void
  ) throws(DeviceError) -> BLASDevice.TiledInput {
    try cpu.prepareTiles(
      of: minibatch, kernel: kernel, centering: centering, division: division, observe: observe)
  }

  func gramStack(
    of tiles: BLASDevice.TiledInput, layers: [Int], rows: Range<Int>, columns: Range<Int>
  ) throws(DeviceError) -> BLASGramStack {
    try cpu.gramStack(of: tiles, layers: layers, rows: rows, columns: columns)
  }

  func crossCovarianceNorms(
    _ left: BLASDevice.TiledInput, _ right: BLASDevice.TiledInput, pairs: [LayerPair]
  ) throws(DeviceError) -> [Double] {
    try cpu.crossCovarianceNorms(left, right, pairs: pairs)
  }

  func copyNumbers(
    ofLayer layer: Int, of stack: BLASGramStack,
    to destination: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError) {
    try cpu.copyNumbers(ofLayer: layer, of: stack, to: destination)
  }

  func gramStack(of packed: PackedGrams) throws(DeviceError) -> BLASGramStack {
    try cpu.gramStack(of: packed)
  }
}

/// Where so many threads wait for each other: each of them has then begun.
final class Meeting: @unchecked Sendable {
  // @unchecked: `missing` changes only while `condition` is locked.
  private let condition = NSCondition()
  private var missing: Int

  init(_ count: Int) { missing = count }

  func join() {
    condition.lock()
    missing -= 1
    condition.broadcast()
    while missing > 0 { condition.wait() }
    condition.unlock()
  }
}
