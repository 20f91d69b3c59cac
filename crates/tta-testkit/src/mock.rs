//! A primitive that does what a test tells it to.

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tta_core::{Error, ErrorKind, Primitive, Result, WorkflowContext};

/// A primitive that answers from a script and remembers how it was called.
///
/// Clones share the script and the memory: keep one in the test and give the other to the flow.
/// When the script is used up, the [default](Self::with_default) answers; without one that is an
/// error of kind [`ErrorKind::Configuration`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::{Error, Flow};
/// use tta_testkit::mock::{Answer, MockPrimitive};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let model = MockPrimitive::new("model")
///     .with_answer(Answer::fail(Error::msg("overloaded")))
///     .with_answer(Answer::value(42).after(Duration::from_secs(3)));
/// let flow = Flow::new(model.clone());
///
/// assert!(flow.run("first").await.is_err());
/// assert_eq!(flow.run("second").await.unwrap(), 42);
/// assert_eq!(model.inputs(), ["first", "second"]);
/// # });
/// ```
///
/// # Cancellation
///
/// A call dropped before it answered counts as [dropped](Self::dropped).
pub struct MockPrimitive<I, O> {
    name: Arc<str>,
    shared: Arc<Mutex<Shared<I, O>>>,
}

/// What a [`MockPrimitive`] does when it is called.
pub struct Answer<O> {
    delay: Option<Duration>,
    ending: Ending<O>,
}

enum Ending<O> {
    Value(O),
    Fail(Error),
    Panic(&'static str),
    Hang,
}

struct Shared<I, O> {
    script: VecDeque<Answer<O>>,
    default: Option<Arc<Default<I, O>>>,
    inputs: Vec<I>,
    running: usize,
    most_running: usize,
    answered: usize,
    dropped: usize,
}

type Default<I, O> = dyn Fn(&I) -> Answer<O> + Send + Sync;

impl<O> Answer<O> {
    /// Gives this value back.
    pub fn value(value: O) -> Self {
        Self::ending(Ending::Value(value))
    }

    /// Fails with this error.
    pub fn fail(error: Error) -> Self {
        Self::ending(Ending::Fail(error))
    }

    /// Panics with this message.
    pub fn panic(message: &'static str) -> Self {
        Self::ending(Ending::Panic(message))
    }

    /// Never answers; only dropping the call ends it.
    pub fn hang() -> Self {
        Self::ending(Ending::Hang)
    }

    /// The same, after a wait on tokio's clock.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    fn ending(ending: Ending<O>) -> Self {
        Self {
            delay: None,
            ending,
        }
    }
}

impl<I, O> MockPrimitive<I, O> {
    /// A mock with an empty script.
    pub fn new(name: &str) -> Self {
        let shared = Shared {
            script: VecDeque::new(),
            default: None,
            inputs: Vec::new(),
            running: 0,
            most_running: 0,
            answered: 0,
            dropped: 0,
        };
        Self {
            name: name.into(),
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// The same mock with one more answer at the end of its script.
    #[must_use]
    pub fn with_answer(self, answer: Answer<O>) -> Self {
        self.push(answer);
        self
    }

    /// The same mock, answering so when the script is used up.
    #[must_use]
    pub fn with_default(self, answer: impl Fn(&I) -> Answer<O> + Send + Sync + 'static) -> Self {
        self.shared().default = Some(Arc::new(answer));
        self
    }

    /// Adds an answer at the end of the script.
    pub fn push(&self, answer: Answer<O>) {
        self.shared().script.push_back(answer);
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        self.shared().inputs.len()
    }

    /// How many calls have answered: with a value, an error or a panic.
    pub fn answered(&self) -> usize {
        self.shared().answered
    }

    /// How many calls were dropped before they answered.
    pub fn dropped(&self) -> usize {
        self.shared().dropped
    }

    /// How many calls are running now.
    pub fn running(&self) -> usize {
        self.shared().running
    }

    /// How many calls were running at once at most.
    pub fn most_running(&self) -> usize {
        self.shared().most_running
    }

    /// What it was called with, in order.
    pub fn inputs(&self) -> Vec<I>
    where
        I: Clone,
    {
        self.shared().inputs.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared<I, O>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I, O> Primitive for MockPrimitive<I, O>
where
    I: Clone + Send,
    O: Send,
{
    type Input = I;
    type Output = O;

    fn name(&self) -> &str {
        &self.name
    }

    async fn execute(&self, input: I, _: &WorkflowContext) -> Result<O> {
        let (scripted, default) = {
            let mut shared = self.shared();
            shared.inputs.push(input.clone());
            shared.running += 1;
            shared.most_running = shared.most_running.max(shared.running);
            (shared.script.pop_front(), shared.default.clone())
        };
        let mut call = Call {
            mock: self,
            answered: false,
        };
        // The test's own function runs with no lock held.
        let Some(answer) = scripted.or_else(|| default.map(|answer| answer(&input))) else {
            call.answered = true;
            let message = "the mock's script is used up; give it another answer or a default";
            return Err(Error::new(ErrorKind::Configuration, message));
        };
        if let Some(delay) = answer.delay {
            tokio::time::sleep(delay).await;
        }
        if matches!(answer.ending, Ending::Hang) {
            pending::<()>().await;
        }
        call.answered = true;
        match answer.ending {
            Ending::Value(value) => Ok(value),
            Ending::Fail(error) => Err(error),
            Ending::Panic(message) => panic!("{message}"),
            Ending::Hang => unreachable!("what is pending forever does not go on"),
        }
    }
}

impl<I, O> Clone for MockPrimitive<I, O> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<I, O> fmt::Debug for MockPrimitive<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockPrimitive")
            .field("name", &self.name)
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

impl<O> fmt::Debug for Answer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match &self.ending {
            Ending::Value(_) => "value",
            Ending::Fail(_) => "fail",
            Ending::Panic(_) => "panic",
            Ending::Hang => "hang",
        };
        f.debug_struct("Answer")
            .field("ending", &ending)
            .field("delay", &self.delay)
            .finish()
    }
}

/// One call, which ends when it is dropped.
struct Call<'a, I, O> {
    mock: &'a MockPrimitive<I, O>,
    answered: bool,
}

impl<I, O> Drop for Call<'_, I, O> {
    fn drop(&mut self) {
        let mut shared = self.mock.shared();
        shared.running -= 1;
        if self.answered {
            shared.answered += 1;
        } else {
            shared.dropped += 1;
        }
    }
}
