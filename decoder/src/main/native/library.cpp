// The operators quiver::address, quiver::pages, quiver::matrix, quiver::step, quiver::read, quiver::adapt,
// quiver::dequantize, quiver::lengths, quiver::attends and quiver::attend. They are registered through libtorch's C functions that are meant to stay as they are
// (torch/csrc/inductor/aoti_torch/c/shim.h), which are looked up in the libtorch that the process has loaded: building needs neither
// its headers nor its libraries.
#include "pages.h"
#include "prepare.h"
#include "step.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <link.h>

namespace quiver {
namespace {

typedef void *Tensor;
typedef uint64_t Value;
typedef int32_t Failure;

Failure (*data_of)(Tensor, void **);
Failure (*forget)(Tensor);
Failure (*tensor_of)(void *data, int64_t dims, const int64_t *sizes, const int64_t *strides, int64_t offset, int32_t type, int32_t device, int32_t number, Tensor *);

// libgomp's own, so that the step's threads are those of libtorch's other operators.
void (*gomp_parallel)(void (*)(void *), void *, unsigned, unsigned);
int (*thread_number)();
int (*thread_count)();

struct Functions {
  void (*pass)(const Step &, Barrier &, Scratch &, int, int);
  void (*read)(const Step &, Barrier &, Tiles &, int, int);
  void (*adapt)(const Adapted &, int, int);
  void (*dequantize)(const Quantized &, int, int);
  void (*lengths)(const Lengths &, int, int);
  bool (*attends)();
  void (*attend)(const Prompt &, std::atomic<int64_t> &);
};

Functions chosen_functions() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return {avx512bf16::pass, avx512bf16::read, avx512bf16::adapt, avx512bf16::dequantize, avx512bf16::lengths, avx512bf16::attends, avx512bf16::attend};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {avx2::pass, avx2::read, avx2::adapt, avx2::dequantize, avx2::lengths, avx2::attends, avx2::attend};
#endif
  return {generic::pass, generic::read, generic::adapt, generic::dequantize, generic::lengths, generic::attends, generic::attend};
}

const Functions &functions() {
  static const Functions chosen = chosen_functions();
  return chosen;
}

// Runs something on so many threads, 0: as many as this thread's parallel regions have by default, or on fewer where a limit on threads allows no more: work(thread, threads).
template <class Work>
void in_parallel(int64_t threads, Work work) {
  if (threads == 1 || !gomp_parallel) {
    work(0, 1);
    return;
  }
  gomp_parallel([](void *data) { (*(Work *)data)(thread_number(), thread_count()); }, &work, (unsigned)threads, 0);
}

// Runs a step with room that is the calling thread's own.
template <class Room>
void run(const int64_t *plan, const double *inverse_temperature, void (*work)(const Step &, Barrier &, Room &, int, int)) {
  // A name with a storage of each thread's own must not reach the others.
  static thread_local Room of_this_thread;
  Room &room = of_this_thread;
  Model model;
  const Step step = step_of(plan, inverse_temperature, model);
  prepare(room, step);
  Barrier barrier;
  in_parallel(step.threads, [&](int thread, int threads) { work(step, barrier, room, thread, threads); });
}

void run_few(const int64_t *plan, const double *inverse_temperature) { run(plan, inverse_temperature, functions().pass); }
void run_many(const int64_t *plan, const double *inverse_temperature) { run(plan, inverse_temperature, functions().read); }

// address(Tensor t) -> int
void address(Value *stack, uint64_t, uint64_t) {
  Tensor tensor = (Tensor)stack[0];
  void *data = nullptr;
  data_of(tensor, &data);
  forget(tensor);
  stack[0] = (Value)data;
}

// pages(Tensor(a!) t, int bytes, int how) -> int: always 0, since nothing depends on what the system makes of it
void pages(Value *stack, uint64_t, uint64_t) {
  Tensor tensor = (Tensor)stack[0];
  void *data = nullptr;
  data_of(tensor, &data);
  ask_for_pages(data, (int64_t)stack[1], (int64_t)stack[2]);
  forget(tensor);
  stack[0] = 0;
}

// matrix(Tensor(a) t, int first, int rows, int width, int type) -> Tensor(a): the bytes of t from there on as another tensor, which must not
// outlive t
void matrix(Value *stack, uint64_t, uint64_t) {
  Tensor tensor = (Tensor)stack[0], made = nullptr;
  void *data = nullptr;
  data_of(tensor, &data);
  const int64_t sizes[] = {(int64_t)stack[2], (int64_t)stack[3]}, strides[] = {sizes[1], 1};
  tensor_of((char *)data + stack[1], 2, sizes, strides, 0, (int32_t)stack[4], 0, 0, &made);
  forget(tensor);
  stack[0] = (Value)made;
}

// (Tensor(a!) plan, Tensor inverse_temperatures) -> int: said to write to the plan, since what it does write to is known by its address alone
template <void (*work)(const int64_t *, const double *)>
void planned(Value *stack, uint64_t, uint64_t) {
  void *data[2];
  for (int i = 0; i < 2; i++) data_of((Tensor)stack[i], &data[i]);
  work((const int64_t *)data[0], (const double *)data[1]);
  for (int i = 0; i < 2; i++) forget((Tensor)stack[i]);
  stack[0] = 0;
}

// adapt(Tensor(a!) y, Tensor x, Tensor exact, Tensor index, Tensor weight, Tensor plan, Tensor inverse_temperature) -> int
// The plan: threads, rows, in, out, bfloat16, address of the place, top k, factors, decided, 1 if exact is float32 and x is not.
void adapt(Value *stack, uint64_t, uint64_t) {
  Adapted given;
  void *data[7];
  for (int i = 0; i < 7; i++) data_of((Tensor)stack[i], &data[i]);
  const int64_t *plan = (const int64_t *)data[5];
  given.threads = plan[0];
  given.rows = plan[1];
  given.in = plan[2];
  given.out = plan[3];
  given.bfloat16 = plan[4];
  given.place = (const Place *)plan[5];
  given.top_k = plan[6];
  given.factors = plan[7];
  given.decided = plan[8];
  given.y = data[0];
  given.x = data[1];
  given.exact = plan[9] ? (const float *)data[2] : nullptr;
  given.index = (int64_t *)data[3];
  given.weight = (float *)data[4];
  given.inverse_temperature = (float)*(const double *)data[6];
  in_parallel(given.threads, [&](int thread, int threads) { functions().adapt(given, thread, threads); });
  for (int i = 0; i < 7; i++) forget((Tensor)stack[i]);
  stack[0] = 0;
}

// dequantize(Tensor(a!) to, Tensor w, int out, int width, int bits) -> int, on as many threads as libtorch's own operators
void dequantize(Value *stack, uint64_t, uint64_t) {
  Tensor to = (Tensor)stack[0], w = (Tensor)stack[1];
  void *data[2];
  data_of(to, &data[0]);
  data_of(w, &data[1]);
  const Quantized given = {(int64_t)stack[2], (int64_t)stack[3], (int64_t)stack[4], data[1], data[0]};
  in_parallel(0, [&](int thread, int threads) { functions().dequantize(given, thread, threads); });
  forget(to);
  forget(w);
  stack[0] = 0;
}

// lengths(Tensor(a!) to, Tensor x, Tensor plan) -> int
// The plan: threads, bfloat16, tokens, in, matrices, then the address and the rank of each.
void lengths(Value *stack, uint64_t, uint64_t) {
  void *data[3];
  for (int i = 0; i < 3; i++) data_of((Tensor)stack[i], &data[i]);
  Lengths given;
  memcpy(&given, data[2], 5 * sizeof(int64_t));
  given.matrix = (const Matrix *)((const int64_t *)data[2] + 5);
  given.x = data[1];
  given.to = (float *)data[0];
  in_parallel(given.threads, [&](int thread, int threads) { functions().lengths(given, thread, threads); });
  for (int i = 0; i < 3; i++) forget((Tensor)stack[i]);
  stack[0] = 0;
}

// attends(Tensor any) -> int: 1 if the processor multiplies pairs of bfloat16
void attends(Value *stack, uint64_t, uint64_t) {
  forget((Tensor)stack[0]);
  stack[0] = functions().attends() ? 1 : 0;
}

// attend(Tensor(a!) to, Tensor q, Tensor keys, Tensor values, Tensor plan, Tensor scales) -> int; scales are the queries' and the scores' cap
// The plan: threads, tokens, start, heads, heads of keys, features, numbers from token to token in q, capacity, window.
void attend(Value *stack, uint64_t, uint64_t) {
  void *data[6];
  for (int i = 0; i < 6; i++) data_of((Tensor)stack[i], &data[i]);
  Prompt given;
  memcpy(&given, data[4], 9 * sizeof(int64_t));
  const double *scales = (const double *)data[5];
  given.scale = (float)scales[0];
  given.cap = (float)scales[1];
  given.to = data[0];
  given.q = data[1];
  given.keys = data[2];
  given.values = data[3];
  std::atomic<int64_t> next{0};
  in_parallel(given.threads, [&](int, int) { functions().attend(given, next); });
  for (int i = 0; i < 6; i++) forget((Tensor)stack[i]);
  stack[0] = 0;
}

int find_gomp(struct dl_phdr_info *info, size_t, void *found) {
  if (info->dlpi_name && strstr(info->dlpi_name, "libgomp")) {
    *(void **)found = dlopen(info->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
    return 1;
  }
  return 0;
}

template <class F>
bool look_up(void *library, const char *name, F &function) {
  function = (F)dlsym(library, name);
  return function != nullptr;
}

bool register_operators() {
  void *torch = dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
  if (!torch) return false;
  void *gomp = nullptr;
  dl_iterate_phdr(find_gomp, &gomp);
  if (gomp && !(look_up(gomp, "GOMP_parallel", gomp_parallel) && look_up(gomp, "omp_get_thread_num", thread_number) && look_up(gomp, "omp_get_num_threads", thread_count)))
    gomp_parallel = nullptr;
  Failure (*define)(const char *, const char *, uint32_t, void **);
  Failure (*implement)(const char *, const char *, const char *, uint32_t, void **);
  Failure (*add_schema)(void *, const char *);
  Failure (*add_function)(void *, const char *, void (*)(Value *, uint64_t, uint64_t));
  void *schemas = nullptr, *functions = nullptr;
  return look_up(torch, "aoti_torch_get_data_ptr", data_of) && look_up(torch, "aoti_torch_delete_tensor_object", forget) &&
         look_up(torch, "aoti_torch_create_tensor_from_blob", tensor_of) &&
         look_up(torch, "aoti_torch_library_init_def", define) && look_up(torch, "aoti_torch_library_init_impl", implement) &&
         look_up(torch, "aoti_torch_library_def", add_schema) && look_up(torch, "aoti_torch_library_impl", add_function) &&
         !define("quiver", __FILE__, __LINE__, &schemas) && !add_schema(schemas, "address(Tensor t) -> int") && !add_schema(schemas, "pages(Tensor(a!) t, int bytes, int how) -> int") &&
         !add_schema(schemas, "matrix(Tensor(a) t, int first, int rows, int width, int type) -> Tensor(a)") &&
         !add_schema(schemas, "step(Tensor(a!) plan, Tensor inverse_temperatures) -> int") &&
         !add_schema(schemas, "read(Tensor(a!) plan, Tensor inverse_temperatures) -> int") &&
         !add_schema(schemas, "adapt(Tensor(a!) y, Tensor x, Tensor exact, Tensor index, Tensor weight, Tensor plan, Tensor inverse_temperature) -> int") &&
         !add_schema(schemas, "dequantize(Tensor(a!) to, Tensor w, int out, int width, int bits) -> int") &&
         !add_schema(schemas, "lengths(Tensor(a!) to, Tensor x, Tensor plan) -> int") &&
         !add_schema(schemas, "attends(Tensor any) -> int") &&
         !add_schema(schemas, "attend(Tensor(a!) to, Tensor q, Tensor keys, Tensor values, Tensor plan, Tensor scales) -> int") &&
         !implement("quiver", "CPU", __FILE__, __LINE__, &functions) &&
         !add_function(functions, "address", address) && !add_function(functions, "pages", pages) && !add_function(functions, "matrix", matrix) && !add_function(functions, "adapt", adapt) && !add_function(functions, "step", planned<run_few>) && !add_function(functions, "read", planned<run_many>) &&
         !add_function(functions, "dequantize", dequantize) && !add_function(functions, "lengths", lengths) &&
         !add_function(functions, "attends", attends) && !add_function(functions, "attend", attend);
}

}  // namespace
}  // namespace quiver

// The one function that Java's System.load calls; a version that no virtual machine has refuses the library.
extern "C" __attribute__((visibility("default"))) int JNI_OnLoad(void *, void *) { return quiver::register_operators() ? 0x00010008 : -1; }
