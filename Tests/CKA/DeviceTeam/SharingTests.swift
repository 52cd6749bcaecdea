import Activations
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import CKA

@Suite struct SharingTests {
  private static let n = 96

  /// Two layers against one, in 12 minibatches of unlike scale: another order of the sums, or a
  /// minibatch that counts twice, gives other bits.
  private static func comparison(batchSize: Int = 8) throws -> Comparison {
    var x = Activations64.normal(n: n, p: 31, seed: 1)
    let y = x.mixed(into: .normal(n: n, p: 20, seed: 2), weight: 0.6)
    for index in x.values.indices { x.values[index] *= 1 + Double(index) / 100 }
    return try Comparison(
      ActivationModel([x, y]), ActivationModel([y]), estimator: .minibatch(.init(size: batchSize)))
  }

  private func events(
    _ comparison: Comparison, _ devices: [any Device], sharing: Int
  ) throws -> (Comparison.Outcome, [String]) {
    var events: [String] = []
    let team = DeviceTeam(devices, sharing: sharing) { event in
      switch event {
      case .finished(let minibatches): events.append("\(minibatches)")
      case .leftToOthers(let from, let others, _): events.append("\(from.id) left \(others)")
      case .fellBack(let from, let to, _): events.append("\(from.id) to \(to.id)")
      case .tookOver(let device, _, _): events.append("\(device.id) anew")
      }
    }
    return (try comparison.run(on: team), events)
  }

  @Test func sharedWorkHasTheBitsOfOneDevice() throws {
    let comparison = try Self.comparison()
    let alone = try comparison.run(on: [BLASDevice()])
    #expect(alone.work.map(\.minibatches) == [12])
    for _ in 0..<5 {
      let meeting = Meeting(3)
      let devices = (0..<3).map { ScriptedDevice("gpu\($0)", meeting: meeting) }
      let (outcome, events) = try events(comparison, devices + [BLASDevice()], sharing: 3)
      #expect(outcome.similarity.cka == alone.similarity.cka)
      #expect(outcome.similarity.z == alone.similarity.z)
      #expect(outcome.work.map(\.device.id) == ["gpu0", "gpu1", "gpu2"])
      #expect(outcome.work.map(\.minibatches).reduce(0, +) == 12)
      #expect(outcome.work.allSatisfy { !$0.hasFailed })
      #expect(events == (1...12).map(String.init))
    }
  }

  @Test func aFailingDeviceLeavesItsMinibatchToTheOthers() throws {
    let comparison = try Self.comparison()
    let alone = try comparison.run(on: [BLASDevice()])
    // Both begin, and none does more than one minibatch before the other begins its second.
    let meetings = [1: Meeting(2), 3: Meeting(2)]
    let devices = [
      ScriptedDevice("good", meetings: meetings),
      ScriptedDevice("bad", succeeds: 2, meetings: meetings),
    ]
    let (outcome, events) = try events(comparison, devices, sharing: 2)
    #expect(outcome.similarity.cka == alone.similarity.cka)
    // Two calls of `gramStack` a minibatch: it finished one.
    #expect(outcome.work.map(\.minibatches) == [11, 1])
    #expect(outcome.work.map(\.hasFailed) == [false, true])
    #expect(events.filter { Int($0) == nil } == ["bad left 1"])
    #expect(events.compactMap { Int($0) } == Array(1...12))
  }

  @Test func whereAllFailTheNextGoesOn() throws {
    let comparison = try Self.comparison()
    let alone = try comparison.run(on: [BLASDevice()])
    let meetings = [1: Meeting(2), 5: Meeting(2)]
    let devices: [any Device] = [
      ScriptedDevice("a", succeeds: 4, meetings: meetings),
      ScriptedDevice("b", succeeds: 4, meetings: meetings), BLASDevice(),
    ]
    let (outcome, events) = try events(comparison, devices, sharing: 2)
    #expect(outcome.similarity.cka == alone.similarity.cka)
    #expect(outcome.work.map(\.minibatches) == [2, 2, 8])
    #expect(outcome.work.map(\.hasFailed) == [true, true, false])
    let changes = events.filter { Int($0) == nil }
    #expect(changes == ["a left 1", "b to cpu"] || changes == ["b left 1", "a to cpu"])
    #expect(throws: DeviceError.self) {
      try comparison.run(on: [ScriptedDevice("a", succeeds: 4)])
    }
  }

  @Test func unreadableActivationsEndTheRunForAll() throws {
    let comparison = try Self.comparison()
    let meeting = Meeting(2)
    let devices: [any Device] = [
      ScriptedDevice("good", meeting: meeting),
      ScriptedDevice("bad", succeeds: 0, kind: .input, meeting: meeting), BLASDevice(),
    ]
    do {
      _ = try comparison.run(on: DeviceTeam(devices, sharing: 2))
      Issue.record("unreadable activations were passed over")
    } catch {
      #expect(error.kind == .input)
    }
  }

  @Test func aSingleMinibatchIsNotShared() throws {
    let comparison = try Self.comparison(batchSize: 1000)
    // The second device would wait for the first for ever.
    let devices = [ScriptedDevice("a"), ScriptedDevice("b", meeting: Meeting(2))]
    let (outcome, _) = try events(comparison, devices, sharing: 2)
    #expect(outcome.work.map(\.device.id) == ["a"])
  }

  @Test func fewResultsWait() {
    let queue = MinibatchQueue<Int>(count: 10)
    queue.admit(2)
    #expect((0..<4).map { _ in queue.take() } == [0, 1, 2, 3])
    for minibatch in [1, 2, 3] { queue.finish(minibatch, with: minibatch, by: 0) }
    let taken = DispatchSemaphore(value: 0)
    DispatchQueue(label: "taker").async {
      if queue.take() == 4 { taken.signal() }
    }
    // Four were handed out of which the oldest is not done: there is no fifth yet.
    #expect(taken.wait(timeout: .now() + 0.2) == .timedOut)
    queue.finish(0, with: 0, by: 1)
    for expected in 0..<4 {
      guard case .finished(expected, _)? = queue.next() else {
        Issue.record("minibatch \(expected) is not next")
        return
      }
    }
    #expect(taken.wait(timeout: .now() + 60) == .success)
    queue.close()
    #expect(queue.take() == nil)
  }
}
