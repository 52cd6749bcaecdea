import Activations
import CKA
import Device
import Foundation
import Support

/// cka and its peers on one workload, in turn.
struct Race {
  private struct Runner {
    let child: Child
    let map: String
    /// Its uncounted first run.
    let first: Child.Run
    var runs: [Child.Run] = []
  }

  private let workload: Workload
  private let paths: [String]
  private let folder: TemporaryFolder
  private let reference: Float64Reference?
  /// cka first.
  private var runners: [Runner]

  init(_ workload: Workload, paths: [String], device: DeviceInfo, folder: TemporaryFolder) throws {
    self.workload = workload
    self.paths = paths
    self.folder = folder
    reference = try Float64Reference(workload.comparison(of: try openModels(paths)))
    let map = "\(folder.path)/\(workload.name)-cka.npy"
    let child = try Child(
      ownProgram(workload, paths: paths, device: device, map: map), folder: folder)
    runners = [Runner(child: child, map: map, first: try child.run())]
  }

  /// Lets a peer take part, in the fastest of its variants; returns why it cannot, if so.
  mutating func enter(_ peer: Peer, _ environment: PeerEnvironment) throws -> String? {
    var fastest: Runner?
    var reason: String?
    for (index, variant) in peer.variants.enumerated() {
      let map = "\(folder.path)/\(workload.name)-\(peer.script)-\(index).npy"
      do {
        let child = try environment.start(
          peer, variant, on: workload, paths: paths, map: map, folder: folder)
        let first = try child.run()
        if fastest.map({ first.seconds < $0.first.seconds }) ?? true {
          fastest = Runner(child: child, map: map, first: first)
        }
      } catch let failure as Failure {
        reason = failure.description
      }
    }
    guard let fastest else { return oneLine(reason ?? "it has no variant") }
    runners.append(fastest)
    return nil
  }

  /// Runs them all `runs` times in turn, or less often where that takes longer than `patience`
  /// seconds.
  mutating func rows(runs: Int, patience: Double) throws -> [Document.Row] {
    for round in 0..<runs {
      for index in runners.indices {
        let affordable = max(Int(patience / runners[index].first.seconds), 1)
        guard round < affordable else { continue }
        // Threads of the one before may go on spinning for a moment.
        usleep(100_000)
        runners[index].runs.append(try runners[index].child.run())
      }
    }
    return try runners.indices.map { try row(runners[$0], isPeer: $0 > 0) }
  }

  private func row(_ runner: Runner, isPeer: Bool) throws -> Document.Row {
    let check = try reference?.check(mapAt: runner.map)
    let own = runners[0].runs.map(\.seconds)
    let seconds = runner.runs.map(\.seconds)
    return Document.Row(
      workload: workload, program: runner.child.greeting.program,
      device: runner.child.greeting.detail, seconds: Spread(seconds),
      stages: Child.Stages(medianOf: runner.runs.compactMap(\.stages)), error: check?.error,
      undefined: check?.undefined, peakMemory: runner.first.peakMemory,
      workMemory: runner.first.peakMemory - runner.first.memoryBefore,
      ratio: isPeer ? Spread(zip(seconds, own).map { $0 / $1 }) : nil)
  }
}
