%% Plays scenarios against Erlang/OTP's supervisor and prints what really happened, a JSON line each; see otp_record.py.
-module(otp_record).
-export([main/1, init/1, start_child/4, child/5]).

main([File]) ->
    {ok, Scenarios} = file:consult(File),
    logger:set_primary_config(level, none),
    in_turn(Scenarios, 0),
    halt(0).

%% Up to 1,000 at a time.
in_turn([], 0) -> ok;
in_turn([Scenario | Rest], Running) when Running < 1000 ->
    spawn_monitor(fun() -> play(Scenario) end),
    in_turn(Rest, Running + 1);
in_turn(Rest, Running) ->
    receive {'DOWN', _, process, _, normal} -> in_turn(Rest, Running - 1) end.

play({Json, Settle, Flags, Children, Steps}) ->
    process_flag(trap_exit, true),
    put(settle, Settle),
    Book = spawn_link(fun() -> book([], #{}, #{}) end),
    {Done, Init} = step(Book, ["[\"init\"]"], fun() ->
        case supervisor:start_link(?MODULE, {Flags, [spec(Book, Child) || Child <- Children]}) of
            {ok, Pid} -> put(supervisor, Pid), "ok";
            {error, {shutdown, {failed_to_start_child, _, _}}} -> "failed_to_start_child";
            {error, {start_spec, {bad_combination, _}}} -> "bad_combination"
        end
    end),
    Lines = case Done of
        over -> [Init];
        on -> [Init | steps(Book, Steps)]
    end,
    io:format("~s,\"steps\":[~s]}~n", [Json, lists:join(",", Lines)]).

init(Arguments) -> {ok, Arguments}.

spec(Book, {Id, Restart, Shutdown, Significant, Stubborn, Fails}) ->
    #{id => Id, start => {?MODULE, start_child, [Book, Id, Stubborn, Fails]}, restart => Restart,
      shutdown => Shutdown, significant => Significant}.

steps(_, []) -> [];
steps(Book, [{Json, Op} | Rest]) ->
    case step(Book, Json, fun() -> do(Book, get(supervisor), Op) end) of
        {over, Line} -> [Line];
        {on, Line} -> [Line | steps(Book, Rest)]
    end.

do(Book, _, {exit, Id, How}) ->
    case ask(Book, {pid, Id}) of
        none -> "not_running";
        Pid when How =:= kill -> exit(Pid, kill), "ok";
        Pid -> Pid ! {leave, How}, "ok"
    end;
do(_, Supervisor, stop) ->
    Monitor = monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive {'DOWN', Monitor, process, _, Reason} -> word(Reason) end;
do(_, Supervisor, {terminate, Id}) -> result(supervisor:terminate_child(Supervisor, Id));
do(_, Supervisor, {restart, Id}) -> result(supervisor:restart_child(Supervisor, Id));
do(_, Supervisor, {delete, Id}) -> result(supervisor:delete_child(Supervisor, Id));
do(Book, Supervisor, {start, Child}) ->
    case supervisor:start_child(Supervisor, spec(Book, Child)) of
        {error, {boom, _}} -> "start_error";
        Result -> result(Result)
    end.

result(ok) -> "ok";
result({ok, _}) -> "ok";
result({error, {Word, _}}) -> atom_to_list(Word);
result({error, Word}) -> atom_to_list(Word).

%% One step: what came of it, the events in order, the children afterwards.
step(Book, Op, Do) ->
    Result = Do(),
    timer:sleep(get(settle)),
    Events = ask(Book, events),
    Children = case get(supervisor) of
        undefined -> null;
        Pid -> try [[$[, quote(Id), $,, quote(state(Child)), $]] || {Id, Child, _, _} <- lists:reverse(supervisor:which_children(Pid))]
               catch exit:_ -> null end
    end,
    {case Children of null -> over; _ -> on end,
     io_lib:format("{\"op\":~s,\"result\":~s,\"events\":[~s],\"children\":~s}",
        [Op, quote(Result), lists:join(",", [[$[, lists:join(",", [quote(W) || W <- Event]), $]] || Event <- Events]),
         case Children of null -> "null"; _ -> [$[, lists:join(",", Children), $]] end])}.

state(undefined) -> "undefined";
state(restarting) -> "restarting";
state(_) -> "running".

quote(Atom) when is_atom(Atom) -> quote(atom_to_list(Atom));
quote(Text) -> [$", Text, $"].

word({shutdown, _}) -> "shutdown_term";
word(Reason) -> atom_to_list(Reason).

%% -- the children --

start_child(Book, Id, Stubborn, Fails) ->
    case lists:member(ask(Book, {attempt, Id}), Fails) of
        true -> ask(Book, {failed, Id}), {error, boom};
        false -> proc_lib:start_link(?MODULE, child, [self(), Book, Id, Stubborn, started])
    end.

child(Supervisor, Book, Id, Stubborn, started) ->
    process_flag(trap_exit, true),
    ask(Book, {started, Id, self()}),
    proc_lib:init_ack({ok, self()}),
    live(Supervisor, Stubborn).

live(Supervisor, Stubborn) ->
    receive
        {leave, shutdown_term} -> exit({shutdown, x});
        {leave, How} -> exit(How);
        {'EXIT', Supervisor, Reason} when not Stubborn -> exit(Reason);
        {'EXIT', _, _} -> live(Supervisor, Stubborn)
    end.

%% -- the book of what happened, in order --

ask(Book, Question) ->
    Monitor = monitor(process, Book),
    Book ! {self(), Monitor, Question},
    receive {Monitor, Answer} -> demonitor(Monitor, [flush]), Answer end.

book(Events, Attempts, Running) ->
    receive
        {From, Tag, {attempt, Id}} ->
            Attempt = maps:get(Id, Attempts, 0) + 1,
            From ! {Tag, Attempt},
            book(Events, Attempts#{Id => Attempt}, Running);
        {From, Tag, {failed, Id}} ->
            From ! {Tag, ok},
            book([["startfail", Id] | Events], Attempts, Running);
        {From, Tag, {started, Id, Pid}} ->
            monitor(process, Pid),
            From ! {Tag, ok},
            book([["start", Id] | Events], Attempts, Running#{Id => Pid});
        {'DOWN', _, process, Pid, Reason} ->
            [Id] = [Id || {Id, One} <- maps:to_list(Running), One =:= Pid],
            book([["stop", Id, word(Reason)] | Events], Attempts, maps:remove(Id, Running));
        {From, Tag, {pid, Id}} ->
            From ! {Tag, maps:get(Id, Running, none)},
            book(Events, Attempts, Running);
        {From, Tag, events} ->
            From ! {Tag, lists:reverse(Events)},
            book([], Attempts, Running)
    end.
